/**
 * An installation is stopped behind every effect, begun again by whoever comes next, and must end as if nothing had
 * happened; in between, the install root shows the old state or the new one, and nothing else (P8).
 */
import { expect } from 'chai';

import { captureFingerprint } from '../../../host-agent/install/fingerprint.ts';
import type { InstallContext } from '../../../host-agent/install/install-context.ts';
import { promote } from '../../../host-agent/install/promote.ts';
import { receive } from '../../../host-agent/install/receive.ts';
import { rehearse } from '../../../host-agent/install/rehearse.ts';
import { remove } from '../../../host-agent/install/remove.ts';
import { stage } from '../../../host-agent/install/stage.ts';
import { tidy } from '../../../host-agent/install/tidy.ts';
import { errorOf } from '../../support/errors-of.ts';
import { type InstallFixture, installFixture, stopAfter } from '../../support/install-fixture.ts';

const CONTENT = {
  'bin/run': { text: '#!/bin/sh\n', mode: 0o755 as const },
  'lib/a': 'a',
  'lib/b': 'b',
  'lib/large': 'x'.repeat(100_000),
  'lib/to-a': ['a'] as const,
};

describe('an installation that is stopped', () => {
  const fixtures: InstallFixture[] = [];
  afterEach(() => {
    for (const fixture of fixtures.splice(0)) fixture.remove();
  });

  const make = (): InstallFixture => {
    const fixture = installFixture({ content: CONTENT });
    fixtures.push(fixture);
    return fixture;
  };
  const installSteps = (fixture: InstallFixture) => async (context: InstallContext) => {
    await receive(context, { source: fixture.source });
    await stage(context);
    await promote(context);
    await tidy(context);
  };

  it('behind any effect of the install ends the same when it is begun again', async () => {
    const undisturbed = make();
    const counted = stopAfter(-1);
    await installSteps(undisturbed)(undisturbed.with({ testOnlyAfterEffect: counted.hook }));
    const [before, after] = [make().snapshot(), undisturbed.snapshot()];
    expect(counted.seen.length).to.be.at.least(9);
    expect(new Set(counted.seen).size).to.be.at.least(8);
    for (let effect = 1; effect <= counted.seen.length; effect += 1) {
      const fixture = make();
      const stopped = stopAfter(effect);
      expect(await errorOf(installSteps(fixture)(fixture.with({ testOnlyAfterEffect: stopped.hook }))))
        .to.have.property('message')
        .that.contains('stopped');
      const between = fixture.snapshot().filter((line) => !line.includes('.keyturn'));
      expect([before, after], `after ${stopped.seen.at(-1)}`).to.deep.include(between);
      await installSteps(fixture)(fixture.context);
      expect(fixture.snapshot(), `after ${stopped.seen.at(-1)}`).to.deep.equal(after);
    }
  });

  it('behind any effect of the install leaves nothing when it is given up', async () => {
    const counted = stopAfter(-1);
    const undisturbed = make();
    await installSteps(undisturbed)(undisturbed.with({ testOnlyAfterEffect: counted.hook }));
    for (let effect = 1; effect <= counted.seen.length; effect += 1) {
      const fixture = make();
      const before = fixture.snapshot();
      await errorOf(installSteps(fixture)(fixture.with({ testOnlyAfterEffect: stopAfter(effect).hook })));
      await remove(fixture.context);
      await tidy(fixture.context);
      expect(fixture.snapshot()).to.deep.equal(before);
    }
  });

  it('in the middle of a rehearsal is put back, and the rehearsal done anew', async () => {
    const counts: number[] = [];
    for (let effect = 1; effect <= 2; effect += 1) {
      const fixture = make();
      const before = await captureFingerprint({ places: fixture.context.places, preserve: ['old'] });
      await installSteps(fixture)(fixture.context);
      const installed = fixture.snapshot();
      const crash = stopAfter(effect);
      await errorOf(rehearse(fixture.with({ testOnlyAfterEffect: crash.hook }), { before, preserve: ['old'] }));
      counts.push(crash.seen.length);
      const report = await rehearse(fixture.context, { before, preserve: ['old'] });
      expect(report.wasInterrupted).to.equal(effect === 1);
      expect(report.difference).to.deep.equal({ added: [], removed: [], changed: [] });
      await tidy(fixture.context);
      expect(fixture.snapshot()).to.deep.equal(installed);
    }
    expect(counts).to.deep.equal([1, 2]);
  });

  it('with its tree aside is put back by tidying alone', async () => {
    const fixture = make();
    const before = await captureFingerprint({ places: fixture.context.places, preserve: ['old'] });
    await installSteps(fixture)(fixture.context);
    const installed = fixture.snapshot();
    await errorOf(rehearse(fixture.with({ testOnlyAfterEffect: stopAfter(1).hook }), { before, preserve: ['old'] }));
    expect(fixture.names()).to.deep.equal(['.keyturn', 'old']);
    await tidy(fixture.context);
    expect(fixture.snapshot()).to.deep.equal(installed);
  });

  it('behind any effect of a removal ends the same when it is begun again', async () => {
    const counted = stopAfter(-1);
    const removal = async (context: InstallContext) => {
      await remove(context);
      await tidy(context);
    };
    const undisturbed = make();
    const before = undisturbed.snapshot();
    await installSteps(undisturbed)(undisturbed.context);
    await removal(undisturbed.with({ testOnlyAfterEffect: counted.hook }));
    expect(undisturbed.snapshot()).to.deep.equal(before);
    expect(counted.seen).to.deep.equal(['moved-aside', 'aside-deleted', 'staging-deleted', 'folders-deleted']);
    for (let effect = 1; effect <= counted.seen.length; effect += 1) {
      const fixture = make();
      await installSteps(fixture)(fixture.context);
      await errorOf(removal(fixture.with({ testOnlyAfterEffect: stopAfter(effect).hook })));
      await removal(fixture.context);
      expect(fixture.snapshot()).to.deep.equal(before);
    }
  });
}).timeout(30_000);
