/**
 * P8 with real processes: an agent is killed with SIGKILL at boundaries spread over a deployment, and in the middle of a
 * check. The agent that is started on its folders brings the run to the end that it has without a kill.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { CheckedWorld, INSTALLATION, VERSION } from '../support/world-checked.ts';
import type { WorldHost } from '../support/world-host.ts';
import { namesInRoot } from '../support/world-outcome.ts';
import { NEIGHBOUR_NAME } from '../support/world-release.ts';

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
  let checked: CheckedWorld;

  before(async () => {
    checked = await CheckedWorld.start({ 'data/lamps.csv': 'lamp,lit\n'.repeat(400_000) });
    expect(checked.reference.outcome).to.include({ phase: 'proven', verdict: 'B' });
    expect(checked.reference).to.deep.include({ names: [INSTALLATION], isStoredAsSigned: true });
  });

  after(() => checked?.[Symbol.asyncDispose]());

  it('is tried at ten boundaries or more', () => {
    expect(KILLS.length).to.be.at.least(10);
    console.log(`      ${KILLS.length} boundaries, and one check`);
  });

  for (const { boundary, leaves, ...rest } of KILLS) {
    const nth = 'nth' in rest ? rest.nth : 1;
    it(`at "${boundary}" leaves ${leaves}, and the run ends proven all the same`, async () => {
      const { world } = checked;
      const host = await world.host(hostNameOf(boundary));
      const run = await world.deploy(host, VERSION);
      const program = startProgram(host, [boundary, String(nth)]);
      expect(await deathOf(program)).to.equal('SIGKILL');
      expect(leftBy(host)).to.equal(leaves);
      await host.startAgent();
      const cut = boundary === 'did moved-aside' ? ['rehearsal-interrupted'] : [];
      expect(await checked.differencesFromReference(host, run, cut)).to.deep.equal([]);
      await host.stopAgent();
    });
  }

  it('in the middle of a check ends the process of the check, and the check is done anew', async () => {
    const { world, turnstile } = checked;
    const host = await world.host('in-check');
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
    expect(await checked.differencesFromReference(host, run)).to.deep.equal([]);
    expect(turnstile.passedCount - passedBefore).to.equal(1);
  });
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

function hostNameOf(boundary: string): string {
  return boundary.replaceAll(/[^a-z0-9]+/g, '-');
}
