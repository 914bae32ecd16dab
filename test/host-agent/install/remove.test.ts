import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

import { moveAside } from '../../../host-agent/install/aside.ts';
import { promote } from '../../../host-agent/install/promote.ts';
import { receive } from '../../../host-agent/install/receive.ts';
import { remove } from '../../../host-agent/install/remove.ts';
import { stage } from '../../../host-agent/install/stage.ts';
import { tidy } from '../../../host-agent/install/tidy.ts';
import { codeOf } from '../../support/errors-of.ts';
import { type InstallFixture, installFixture } from '../../support/install-fixture.ts';

describe('host-agent/install/remove and tidy', () => {
  let fixture: InstallFixture;
  let before: string[];
  beforeEach(async () => {
    fixture = installFixture();
    before = fixture.snapshot();
  });
  afterEach(() => fixture.remove());

  const install = async () => {
    await receive(fixture.context, { source: fixture.source });
    await stage(fixture.context);
    await promote(fixture.context);
  };

  it('removing the one path restores the host', async () => {
    await install();
    expect((await remove(fixture.context)).removed).to.equal('installation');
    await tidy(fixture.context);
    expect(fixture.snapshot()).to.deep.equal(before);
  });

  it('removes what a proof has moved aside before, and then nothing more', async () => {
    await install();
    moveAside(fixture.context);
    expect((await remove(fixture.context)).removed).to.equal('installation');
    expect((await remove(fixture.context)).removed).to.equal('nothing-there');
    await tidy(fixture.context);
    expect(fixture.snapshot()).to.deep.equal(before);
  });

  it('removes an installation that has drifted as well', async () => {
    await install();
    writeFileSync(join(fixture.context.places.installPath, 'grown.log'), 'x');
    await remove(fixture.context);
    await tidy(fixture.context);
    expect(fixture.snapshot()).to.deep.equal(before);
  });

  it('removes nothing that this run did not make', async () => {
    mkdirSync(fixture.context.places.installPath);
    const there = fixture.snapshot();
    expect(await codeOf(() => remove(fixture.context))).to.equal('not-our-installation');
    await tidy(fixture.context);
    expect(fixture.snapshot()).to.deep.equal(there);
  });

  it('tidies one run and leaves the other its staging', async () => {
    const other = installFixture();
    try {
      await receive(fixture.context, { source: fixture.source });
      const second = fixture.with({
        run: 'run-2',
        places: { ...fixture.context.places, staging: fixture.context.places.staging.replace('run-1', 'run-2') },
      });
      await receive(second, { source: fixture.source });
      await tidy(fixture.context);
      expect(fixture.snapshot().filter((line) => line.includes('staging/run-'))).to.have.length(2 + fixture.blobs.size);
      await tidy(second);
      expect(fixture.snapshot()).to.deep.equal(before);
    } finally {
      other.remove();
    }
  });

  it('tidies where nothing was begun', async () => {
    await tidy(fixture.context);
    expect(fixture.snapshot()).to.deep.equal(before);
  });
});
