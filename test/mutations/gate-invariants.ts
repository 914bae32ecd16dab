/**
 * What holds of gates, live runs and rulings after every mutation. Each rule gives the sentences that are not true.
 *
 * 1. A gate is open only by an order that people signed, byte for byte, in the epoch that they signed it for, and only over
 *    an installation that stands proven.
 * 2. No epoch is lower than it was.
 * 3. What ran live was the order's own entrypoint, by that order; a run was ruled on only by what people signed.
 * 4. What the agent tells others of its gates is what they are, in a place where only it writes.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { GateState } from '../../host-agent/gate/machine.ts';
import { parseEntry } from '../../shared/ledger/entry.ts';
import type { LiveRunRecord } from '../../shared/orders/live-run.ts';
import type { AttackedHost } from './attacked-host.ts';
import { LIVE_ENTRYPOINT } from './built-release.ts';
import { GATE_DOCUMENT, isToldAsItIs, RUNTIME_FOLDER, readGateDocument } from './gate-document.ts';
import type { JournalRows } from './host-state.ts';
import type { Looked } from './invariants.ts';
import { INSTALLED_RUN } from './session-trials.ts';
import { APP } from './signed-orders.ts';

export function orderFaults(rows: JournalRows, { host, template, orders }: Looked): string[] {
  const gates = host.journal.gates();
  return [
    ...[...gates].flatMap(([app, gate]) => gateFaults(app, gate, { host, honest: orders.epochOf })),
    ...epochFaults(gates, template.gates),
    ...liveFaults(rows, orders.epochOf),
    ...rulingFaults(rows, orders.rulings),
    ...toldFaults(host, gates),
  ];
}

type EpochOf = ReadonlyMap<string, number>;

function gateFaults(
  app: string,
  gate: GateState | undefined,
  { host, honest }: { host: AttackedHost; honest: EpochOf },
): string[] {
  if (gate === undefined) return [`nobody can read the gate of "${app}"`];
  if (gate.state === 'closed') return gate.interrupted ? [`the gate of "${app}" waits to be opened again`] : [];
  const { order, epoch } = gate;
  const isHonest = app === APP && honest.get(order.envelope) === epoch && order.entrypoints.join() === LIVE_ENTRYPOINT;
  const run = host.journal.runs().get(INSTALLED_RUN);
  return [
    ...(isHonest ? [] : [`the gate of "${app}" is open in epoch ${epoch} by "${order.envelope}"`]),
    ...(run?.phase === 'proven' && run.isPromoted
      ? []
      : [`the gate of "${app}" is open over a run that is ${run?.phase}`]),
  ];
}

function epochFaults(now: Gates, before: Gates): string[] {
  return [...before].flatMap(([app, gate]) => {
    const epoch = now.get(app)?.epoch ?? -1;
    return gate !== undefined && epoch < gate.epoch ? [`the epoch of "${app}" went back to ${epoch}`] : [];
  });
}

type Gates = ReadonlyMap<string, GateState | undefined>;

function liveFaults(rows: JournalRows, honest: EpochOf): string[] {
  return (rows.get('live_runs') ?? []).flatMap(({ id, record }) => {
    const { app, entrypoint, order, epoch } = JSON.parse(String(record)) as LiveRunRecord;
    const isHonest = app === APP && entrypoint === LIVE_ENTRYPOINT && honest.get(order) === epoch;
    return isHonest ? [] : [`"${entrypoint}" of "${app}" was run live as "${id}" by order "${order}"`];
  });
}

function rulingFaults(rows: JournalRows, honest: ReadonlySet<string>): string[] {
  return (rows.get('ledger_entries') ?? []).flatMap(({ run, bytes }) => {
    const { body } = parseEntry(bytes as Buffer).entry;
    if (body.type !== 'ruling-recorded' || honest.has(body.rulingDigest)) return [];
    return [`run "${run}" was ruled on by "${body.rulingDigest}"`];
  });
}

function toldFaults({ stateDirectory }: AttackedHost, gates: Gates): string[] {
  const told = readGateDocument(stateDirectory);
  const opened = told.filter(({ state }) => state !== 'closed');
  const wrongly = opened.filter(({ app, entrypoints }) => app !== APP || entrypoints?.join() !== LIVE_ENTRYPOINT);
  return [
    ...(isToldAsItIs(told, gates) ? [] : [`the agent tells others ${JSON.stringify(told)}`]),
    ...wrongly.map(({ app }) => `the agent tells others that the gate of "${app}" is open`),
    ...modeFaults(stateDirectory, RUNTIME_FOLDER, '40755'),
    ...modeFaults(stateDirectory, GATE_DOCUMENT, '100644'),
  ];
}

function modeFaults(stateDirectory: string, path: string, expected: string): string[] {
  const mode = lstatSync(join(stateDirectory, path)).mode.toString(8);
  return mode === expected ? [] : [`"${path}" has mode ${mode}`];
}
