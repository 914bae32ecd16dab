/**
 * P8 with real processes: an agent is killed with SIGKILL at boundaries spread over a deployment, and in the middle of a
 * check. The agent that is started on its folders brings the run to the end that it has without a kill.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { FORBIDDEN_ACTIONS } from '../../shared/trust/policy.ts';
import { World } from '../support/world.ts';
import { isStoredAsSigned } from '../support/world-driven.ts';
import type { WorldHost } from '../support/world-host.ts';
import { namesInRoot, neighbourLines, outcomeOf, type RunOutcome } from '../support/world-outcome.ts';
import { APP, type BuiltSample, buildSample, NEIGHBOUR_NAME, PROVING_GATES } from '../support/world-release.ts';
import { Turnstile } from '../support/world-turnstile.ts';

const VERSION = '1.0.0';
const INSTALLATION = `${APP}-${VERSION}`;
const PROGRAM = join(dirname(dirname(fileURLToPath(import.meta.url))), 'support', 'world-killed-agent.ts');

/** Where the process is killed, and what it must have left on disk by then. */
const KILLS = [
  { boundary: 'recorded observe g1.source-scan', leaves: 'nothing' },
  { boundary: 'after observe g3.fingerprint-before', leaves: 'nothing' },
  { boundary: 'did piece-written', nth: 2, leaves: 'staging' },
  { boundary: 'after receive', leaves: 'staging' },
  { boundary: 'did tree-written', leaves: 'staging' },
  { boundary: 'did deploy-manifest-written', leaves: 'staging' },
  { boundary: 'did tree-promoted', leaves: 'installation and staging' },
  { boundary: 'after promote', leaves: 'installation and staging' },
  { boundary: 'before observe unit', leaves: 'installation and staging' },
  { boundary: 'did moved-aside', leaves: 'staging' },
  { boundary: 'did staging-deleted', leaves: 'installation and staging' },
  { boundary: 'after enter proven', leaves: 'installation' },
] as const;

describe('a SIGKILL at any time', function () {
  this.timeout(120_000);
  let turnstile: Turnstile;
  let sample: BuiltSample;
  let world: World;
  let reference: RunOutcome;

  before(async () => {
    turnstile = await Turnstile.open();
    sample = await buildSample({
      version: VERSION,
      gates: {
        ...PROVING_GATES,
        G5: [...PROVING_GATES.G5, { exec: { id: 'turnstile', argv: turnstile.argv, network: true } }],
      },
      files: { 'data/lamps.csv': 'lamp,lit\n'.repeat(100_000) },
    });
    world = await World.start({ forbidden: FORBIDDEN_ACTIONS.filter((action) => action !== 'network') });
    await world.push(sample);
    const host = await world.host('unharmed');
    const run = await world.deploy(host, VERSION);
    await host.startAgent();
    await world.whenSettled(host, run);
    reference = outcomeOf(host, run);
    expect(reference).to.include({ phase: 'proven', verdict: 'B' });
  });

  after(async () => {
    await world[Symbol.asyncDispose]();
    sample[Symbol.dispose]();
    await turnstile[Symbol.asyncDispose]();
  });

  it('kills at ten boundaries or more', () => {
    expect(KILLS.length).to.be.at.least(10);
    console.log(`      ${KILLS.length} kills`);
  });

  for (const { boundary, leaves, ...rest } of KILLS) {
    const nth = 'nth' in rest ? rest.nth : 1;
    it(`at "${boundary}" leaves ${leaves}, and the run ends proven all the same`, async () => {
      const host = await world.host(hostNameOf(boundary));
      const neighbours = neighbourLines(host, INSTALLATION);
      const run = await world.deploy(host, VERSION);
      const program = startProgram(host, [boundary, String(nth)]);
      expect(await deathOf(program)).to.equal('SIGKILL');
      expect(leftBy(host)).to.equal(leaves);
      await host.startAgent();
      await expectReferenceEnd(host, { run, neighbours, isRehearsalCut: boundary === 'did moved-aside' });
      await host.stopAgent();
    });
  }

  it('in the middle of a check ends the process of the check, and the check is done anew', async () => {
    const host = await world.host('host-in-check');
    const neighbours = neighbourLines(host, INSTALLATION);
    turnstile.hold();
    const run = await world.deploy(host, VERSION);
    const program = startProgram(host, []);
    const { gone } = await turnstile.nextHeld();
    const death = deathOf(program);
    program.kill('SIGKILL');
    expect(await death).to.equal('SIGKILL');
    await gone;
    turnstile.release();
    const passedBefore = turnstile.passedCount;
    await host.startAgent();
    await expectReferenceEnd(host, { run, neighbours, isRehearsalCut: false });
    expect(turnstile.passedCount - passedBefore).to.equal(1);
  });

  async function expectReferenceEnd(
    host: WorldHost,
    { run, neighbours, isRehearsalCut }: { run: string; neighbours: readonly string[]; isRehearsalCut: boolean },
  ): Promise<void> {
    await world.whenSettled(host, run);
    const { findings, ...outcome } = outcomeOf(host, run);
    const { findings: referenceFindings, ...referenceOutcome } = reference;
    expect(outcome).to.deep.equal(referenceOutcome);
    expect(codesOf(findings)).to.have.members([
      ...codesOf(referenceFindings),
      ...(isRehearsalCut ? ['rehearsal-interrupted'] : []),
    ]);
    expect(neighbourLines(host, INSTALLATION)).to.deep.equal(neighbours);
    expect(namesInRoot(host)).to.deep.equal([NEIGHBOUR_NAME, INSTALLATION].sort());
    expect(await isStoredAsSigned(world.plane.store, host, run)).to.equal(true);
  }
});

function startProgram({ stateDirectory }: WorldHost, words: readonly string[]): ChildProcess {
  return spawn(process.execPath, [PROGRAM, stateDirectory, ...words], { stdio: 'ignore' });
}

async function deathOf(program: ChildProcess): Promise<unknown> {
  const [code, signal] = await once(program, 'exit');
  return signal ?? code;
}

function leftBy(host: WorldHost): (typeof KILLS)[number]['leaves'] | 'something else' {
  const names = namesInRoot(host).filter((name) => name !== NEIGHBOUR_NAME);
  if (names.length === 0) return 'nothing';
  if (names.join() === '.keyturn') return 'staging';
  if (names.join() === INSTALLATION) return 'installation';
  return names.join() === `.keyturn,${INSTALLATION}` ? 'installation and staging' : 'something else';
}

function codesOf(findings: unknown): string[] {
  return (findings as { code: string }[]).map(({ code }) => code);
}

function hostNameOf(boundary: string): string {
  return boundary.replaceAll(/[^a-z0-9]+/g, '-');
}
