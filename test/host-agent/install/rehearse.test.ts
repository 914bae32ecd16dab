import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

import { captureFingerprint } from '../../../host-agent/install/fingerprint.ts';
import type { Fingerprint } from '../../../host-agent/install/fingerprint-difference.ts';
import { promote } from '../../../host-agent/install/promote.ts';
import { receive } from '../../../host-agent/install/receive.ts';
import { rehearse } from '../../../host-agent/install/rehearse.ts';
import { stage } from '../../../host-agent/install/stage.ts';
import { tidy } from '../../../host-agent/install/tidy.ts';
import { codeOf, errorOf } from '../../support/errors-of.ts';
import { type InstallFixture, installFixture } from '../../support/install-fixture.ts';

describe('host-agent/install/rehearse', () => {
  let fixture: InstallFixture;
  let before: Fingerprint;
  afterEach(() => fixture.remove());

  const install = async (made: InstallFixture) => {
    fixture = made;
    const { places, release } = fixture.context;
    before = await captureFingerprint({ places, preserve: release.plan.install.preserve });
    await receive(fixture.context, { source: fixture.source });
    await stage(fixture.context);
    await promote(fixture.context);
    await tidy(fixture.context);
  };
  const run = (context = fixture.context) =>
    rehearse(context, { before, preserve: context.release.plan.install.preserve });

  it('shows the host as it was before, and puts the same tree back', async () => {
    await install(installFixture());
    const installed = fixture.snapshot();
    const report = await run();
    expect(report).to.deep.include({
      state: 'rehearsed',
      rollsBackTo: ['old'],
      difference: { added: [], removed: [], changed: [] },
      treeDigest: fixture.context.release.statement.treeDigest,
      wasInterrupted: false,
    });
    expect([report.movedAsideMs, report.movedBackMs, report.durationMs].every(Number.isSafeInteger)).to.equal(true);
    await tidy(fixture.context);
    expect(fixture.snapshot()).to.deep.equal(installed);
  });

  it('says of a first install that there is nothing to roll back to, and rehearses it all the same', async () => {
    await install(installFixture({ neighbours: 'none' }));
    const report = await run();
    expect(report).to.deep.include({
      state: 'nothing-to-roll-back-to',
      rollsBackTo: [],
      difference: { added: [], removed: [], changed: [] },
    });
    expect(fixture.names()).to.include('app-1.0');
  });

  it('tells what a rollback would not undo', async () => {
    await install(installFixture());
    writeFileSync(join(fixture.root, 'old/module.py'), 'print("changed by the install")\n');
    writeFileSync(join(fixture.root, 'left-over'), '');
    const { difference } = await run();
    expect(difference).to.deep.equal({ added: ['path:left-over'], removed: [], changed: ['anchor:old'] });
  });

  it('refuses to give out an installation that is not the signed one', async () => {
    await install(installFixture());
    writeFileSync(join(fixture.context.places.installPath, 'big'), 'drifted');
    expect(await codeOf(run)).to.equal('rehearsed-tree-differs');
    expect(fixture.names()).to.include('app-1.0');
  });

  it('moves nothing away that another run made', async () => {
    await install(installFixture());
    const installed = fixture.snapshot();
    expect(await codeOf(() => run(fixture.with({ run: 'run-2' })))).to.equal('not-our-installation');
    expect(fixture.snapshot()).to.deep.equal(installed);
  });

  it('has nothing to rehearse where nothing stands', async () => {
    await install(installFixture());
    rmSync(fixture.context.places.installPath, { recursive: true });
    expect(await codeOf(run)).to.equal('nothing-installed');
  });

  it('puts the installation back when it is stopped while looking', async () => {
    await install(installFixture());
    const stop = new AbortController();
    const context = fixture.with({
      signal: stop.signal,
      testOnlyAfterEffect: (effect) => {
        if (effect === 'moved-aside') stop.abort(new Error('killed'));
      },
    });
    for (let index = 0; index < 200; index += 1) writeFileSync(join(fixture.root, 'old', `f${index}`), '');
    expect(await errorOf(run(context))).to.have.property('message', 'killed');
    expect(fixture.names()).to.include('app-1.0');
  });

  it('does not overwrite what takes the place meanwhile; the next rehearsal needs it gone', async () => {
    await install(installFixture());
    const target = fixture.context.places.installPath;
    const context = fixture.with({
      testOnlyAfterEffect: (effect) => {
        if (effect === 'moved-aside') mkdirSync(target);
      },
    });
    expect(await codeOf(() => run(context))).to.equal('target-present');
    expect(await codeOf(run)).to.equal('not-our-installation');
    expect(await errorOf(tidy(fixture.context)))
      .to.have.property('hint')
      .that.contains('move it away');
    rmSync(target, { recursive: true });
    expect((await run()).wasInterrupted).to.equal(true);
  });
});
