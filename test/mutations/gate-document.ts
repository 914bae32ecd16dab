/** `run/gate.json` as it lies there, held against the gates of the journal. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GateState } from '../../host-agent/gate/machine.ts';

/** Where the agent puts what others may read of it: this file, and the socket that live processes ask. */
export const RUNTIME_FOLDER = 'run';
export const GATE_DOCUMENT = `${RUNTIME_FOLDER}/gate.json`;
export const GATE_SOCKET = `${RUNTIME_FOLDER}/gate.sock`;

export interface ToldGate {
  readonly app: string;
  readonly state: string;
  readonly epoch: number;
  readonly entrypoints?: readonly string[];
}

/** Nothing as long as the agent has had nothing to do. */
export function readGateDocument(stateDirectory: string): readonly ToldGate[] {
  try {
    const document = JSON.parse(readFileSync(join(stateDirectory, GATE_DOCUMENT), 'utf8')) as { gates: ToldGate[] };
    return document.gates;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Whether it says of each gate what the journal says, and of no other. */
export function isToldAsItIs(told: readonly ToldGate[], gates: ReadonlyMap<string, GateState | undefined>): boolean {
  const asTold = told.map(({ app, state, epoch }) => `${app} ${state} ${epoch}`);
  const asItIs = [...gates].map(([app, gate]) => `${app} ${gate?.state} ${gate?.epoch}`);
  return asTold.join('\n') === asItIs.join('\n');
}
