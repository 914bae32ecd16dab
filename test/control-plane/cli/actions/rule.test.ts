/** `keyturn rulings`, `rule` and `gaps`: what people decide about a run, and what comes of it. */
import { expect } from 'chai';
import { fetchRun } from '../../../../control-plane/cli/run-ledger.ts';
import { readinessOf, whatIsMissing } from '../../../../shared/orders/readiness.ts';
import { documentOf, failureOf } from '../../../support/command-line.ts';
import { signPolicy } from '../../../support/evidence-world.ts';
import { APP, GovernWorld, type HeldRun, QUORUM, REASON } from '../../../support/govern-world.ts';

interface Ruled {
  readonly request?: string;
  readonly signatures?: number;
  readonly lacking?: string;
  readonly hosts?: readonly { readonly host: string; readonly answer: string; readonly code?: string }[];
}

interface Gap {
  readonly id: string;
  readonly state: string;
  readonly check: string;
  readonly run: string;
  readonly expiresAt?: string;
  readonly waivedBy?: readonly string[];
}

describe('keyturn rule', function () {
  this.timeout(60_000);
  let world: GovernWorld;
  let held: HeldRun;

  before(async () => {
    world = await GovernWorld.start();
    await Promise.all(['web-1', 'web-2'].map((name) => world.host(name)));
    held = await world.held(await world.release('1.0'), 'web-1');
  });
  after(() => world[Symbol.asyncDispose]());

  const rule = (decision: string, run: string, ...argv: string[]) =>
    world.command.json('rule', decision, run, ...REASON, ...argv);

  it('finds the runs that wait, and what they show', async () => {
    const { held: rows } = await world.done<{ held: readonly object[] }>('rulings');
    expect(rows).to.have.length(1);
    const about = { run: held.run, host: 'web-1', release: held.release, check: 'live-dryrun' };
    expect(rows[0]).to.deep.include({ ...about, stopGate: 'SG1', summary: '3 lamps would be lit' });
    const { stdout } = await world.command.keyturn('rulings');
    expect(stdout).to.match(
      /held at SG1 of live-dryrun since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n {2}3 lamps would be lit\n/,
    );
  });

  it('shows where a run is held, to programs and to people, and ends with 75', async () => {
    const ended = await world.watch(held);
    expect(ended.exitCode).to.equal(75);
    const at = { check: 'live-dryrun', stopGate: 'SG1', summary: '3 lamps would be lit' };
    expect(documentOf<{ held: object }>(ended).held).to.include(at);
    const { stdout } = await world.command.keyturn('ledger', held.run);
    expect(stdout).to.include('verdict D so far: it waits for people to rule\nheld at SG1 of live-dryrun: 3 lamps');
    expect(stdout).to.include(`next: keyturn rule proceed ${held.run} --reason TEXT --key FILE    (or: stop)`);
  });

  it('refuses a run that is not there, and a key that is not', async () => {
    expect(failureOf(await rule('proceed', '01JD0000000000000000000000')).code).to.equal('run-not-found');
    expect((await rule('proceed', held.run, '--key', '/nowhere.pem')).exitCode).to.equal(64);
  });

  it('leaves what too few have signed in the inbox, and names who is missing', async () => {
    const ended = await rule('proceed', held.run, ...world.keys('ops-1'));
    expect(ended.exitCode).to.equal(0);
    const ruled = documentOf<Ruled>(ended);
    expect(ruled).to.include({ signatures: 1, lacking: '1 of operations, 1 of security' });
    const early = await world.command.json('rule', 'send', ruled.request ?? '');
    expect(early.exitCode).to.equal(77);
    expect(documentOf<Ruled>(early).hosts?.[0]).to.include({ answer: 'refused', code: 'quorum-not-met' });
    for (const name of ['ops-2', 'sec-1']) await world.done('approve', ruled.request ?? '', ...world.keys(name));
    const sent = await world.done<Ruled>('rule', 'send', ruled.request ?? '');
    expect(sent.hosts?.[0]).to.include({ host: 'web-1', answer: 'admitted' });
    await world.watch(held);
    const { exitCode } = await world.command.json('readiness', held.release, '--host', 'web-1');
    expect(exitCode).to.equal(0);
  });

  it('rules on no run a second time', async () => {
    const again = await rule('proceed', held.run, ...world.keys(...QUORUM));
    expect([again.exitCode, failureOf(again).code]).to.deep.equal([77, 'run-not-held']);
    expect(failureOf(again).hint).to.equal('runs that are held: `keyturn rulings`');
  });

  it('shows what is signed once, however many sign', async () => {
    const next = await world.held(held.release, 'web-2');
    const ended = await rule('stop', next.run, ...world.keys(...QUORUM));
    expect(ended.exitCode).to.equal(0);
    expect(ended.stderr.match(/end the dry run at SG1/g)).to.have.length(1);
    const watched = await world.watch(next);
    expect(watched.exitCode).to.equal(30);
    const { gates } = documentOf<{ gates: { checks: { id: string; status: string; reason?: string }[] }[] }>(watched);
    const check = gates.flatMap(({ checks }) => checks).find(({ id }) => id === 'live-dryrun');
    expect(check).to.include({ status: 'BLOCKED', reason: 'people have ruled to stop at SG1' });
  });

  it('counts who rules by the `rulings` of the rule, and who waives by its quorum', async () => {
    await signPolicy(world.command, (policy) => ({
      ...policy,
      rules: policy.rules.map((one) => ({ ...one, rulings: [{ team: 'operations', count: 1 }] })),
    }));
    const untested = await world.release('1.1', { tests: undefined });
    const next = await world.held(untested, 'web-1');
    const sent = documentOf<Ruled>(await rule('proceed', next.run, ...world.keys('ops-3')));
    expect(sent.hosts?.[0]).to.include({ host: 'web-1', answer: 'admitted' });
    await world.watch(next);
    const { gaps } = await world.done<{ gaps: Gap[] }>('gaps');
    const [gap] = gaps.filter(({ run }) => run === next.run);
    expect(gap).to.include({ state: 'open', check: 'g1.source-tests' });
    const waived = await world.command.json(
      ...['gaps', 'waive', next.run, 'g1.source-tests', '--for', '1h', ...REASON, ...world.keys('ops-3')],
    );
    expect(documentOf<Ruled>(waived)).to.include({ lacking: '1 of operations, 1 of security' });
  });

  it('does without a sub-gap for a while, and not a moment longer', async () => {
    const { gaps: before } = await world.done<{ gaps: Gap[] }>('gaps');
    const { run } = before.find(({ check }) => check === 'g1.source-tests') as Gap;
    const readiness = () => world.command.json('readiness', `${APP}@1.1`, '--host', 'web-1');
    expect((await readiness()).exitCode).to.equal(20);
    const waiver = ['--for', '1h', ...REASON, ...world.keys(...QUORUM)];
    const unknown = await world.command.json('gaps', 'waive', run, 'live-dryrun', ...waiver);
    expect(failureOf(unknown)).to.include({ code: 'gap-unknown', hint: 'see them with `keyturn gaps`' });
    await world.done('gaps', 'waive', run, 'g1.source-tests', ...waiver);
    expect((await readiness()).exitCode).to.equal(0);
    const { gaps } = await world.done<{ gaps: Gap[] }>('gaps');
    const gap = gaps.find((candidate) => candidate.run === run);
    expect(gap?.state).to.equal('accepted');
    expect(gap?.waivedBy).to.deep.equal(['ops-1 (operations)', 'ops-2 (operations)', 'sec-1 (security)']);
    expect((await world.command.keyturn('gaps')).stdout).to.include('waived by ops-1 (operations), ops-2');
    const { ledger } = await fetchRun(run, world.command.publisher('viewer'));
    if (!ledger) throw new Error('the run has no ledger');
    const endMs = Date.parse(gap?.expiresAt ?? '');
    expect(readinessOf(ledger, endMs - 1).isReady).to.equal(true);
    expect(whatIsMissing(readinessOf(ledger, endMs)).join()).to.include(
      `the accepted sub-gap ran out at ${gap?.expiresAt}`,
    );
  });
});
