/** An agent's memory after a few and after many deployments of a small release, each taken away again. */
import { setTimeout as pause } from 'node:timers/promises';
import type { OperatorClient } from '../../../control-plane/cli/client.ts';
import { ReleaseRepository } from '../keyturn/release.ts';
import { memoryOf } from '../measure/process-memory.ts';
import { APPS } from './apps.ts';
import type { Bench } from './bench.ts';
import { settleMemory } from './settle.ts';

export interface Endurance {
  /** KiB, several looks a second apart. */
  readonly first: readonly number[];
  readonly last: readonly number[];
  /** Before the last look; fewer than wanted when the time was up. */
  readonly deployments: number;
  readonly wanted: number;
  readonly seconds: number;
}

const LOOK_COUNT = 5;
const LOOK_MS = 1_000;

/** By the operator API itself: a process for each order would take most of the time. */
export async function endurance(bench: Bench): Promise<Endurance> {
  const plane = await bench.plane();
  const repository = await ReleaseRepository.create(bench.newFolder('repositories', APPS.small), APPS.small);
  await repository.commit('v1');
  await repository.publish(plane, 'v1');
  const host = await bench.newHost(plane);
  await host.start();
  using client = plane.connect('operator');
  const { first: few, last: many } = bench.scale.deployments;
  const startedAtMs = performance.now();
  const isTimeUp = () => performance.now() - startedAtMs > bench.scale.deploymentsMs;
  let first: number[] = [];
  let done = 0;
  while (done < many && !isTimeUp()) {
    await cycle(client, host.name);
    done += 1;
    if (done === few) first = await lookRepeatedly(host.pid);
    if (done % 100 === 0) bench.say(`${done} of ${many} deployments`);
  }
  const seconds = (performance.now() - startedAtMs) / 1000;
  const last = await lookRepeatedly(host.pid);
  await host.stop();
  return { first, last, deployments: done, wanted: many, seconds };
}

/** One deployment and its removal. */
async function cycle(client: OperatorClient, host: string): Promise<void> {
  const request = { host, app: APPS.small, version: 'v1' };
  const { runId } = await client.deploy(request);
  await untilPhase(client, { runId, phase: 'proven' });
  await client.rollback(request);
  await untilPhase(client, { runId, phase: 'rolledBack' });
}

/** Errors: `Error` when the run ends in another phase. */
async function untilPhase(client: OperatorClient, { runId, phase }: { runId: string; phase: string }): Promise<void> {
  let seen = '';
  for await (const update of client.watchRun({ runId, fromSeq: 0, untilPhases: [phase, 'failed'] })) {
    if (update.news === 'run') seen = update.run.refusalCode || update.run.phase;
  }
  if (seen !== phase) throw new Error(`run ${runId} came to "${seen}", expected "${phase}"`);
}

async function lookRepeatedly(pid: number): Promise<number[]> {
  await settleMemory();
  const looks: number[] = [];
  for (let look = 0; look < LOOK_COUNT; look += 1) {
    looks.push(memoryOf(pid).rssKiB);
    await pause(LOOK_MS);
  }
  return looks;
}
