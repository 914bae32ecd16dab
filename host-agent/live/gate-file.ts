/**
 * `gate.json`: what the gates are, for whoever likes to read. The gate itself is asked over its socket.
 *
 * 1. It says what was true when it was written and nothing more: no program may go by it, and none can open anything with it.
 * 2. It is written when the agent starts, after each change, and when the agent stops; a reader sees the old one or the new.
 * 3. Nothing waits for it, and nothing fails for it: what a kill has to do and to say comes first.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory, writeFileAtomic } from '../../shared/store/atomic-file.ts';
import type { GateKeeper, GateView } from '../gate/gate-keeper.ts';
import type { GateStore } from '../gate/gate-store.ts';

export interface GateFileOptions {
  readonly path: string;
  readonly host: string;
  readonly keeper: GateKeeper;
  readonly gates: GateStore;
  readonly nowMs: () => number;
  /** It could not be written; the next change tries again. */
  readonly onTrouble: (error: unknown) => void;
}

/** Longer than a kill takes from its arrival to its answers; the disk is theirs meanwhile. */
const SOON_MS = 50;

export class GateFile {
  readonly #options: GateFileOptions;
  #pending: NodeJS.Timeout | undefined;

  constructor(options: GateFileOptions) {
    this.#options = options;
  }

  /** Writes it soon; once, however often this is called until then. */
  note(): void {
    this.#pending ??= setTimeout(() => {
      this.#pending = undefined;
      this.write();
    }, SOON_MS);
  }

  /** Writes it unless it says so already. */
  write(): void {
    this.#tell((app) => rowOf(app, this.#options.keeper.view(app)));
  }

  /** With the agent goes what keeps gates open. To be called before the journal is closed; nothing is written afterwards. */
  close(): void {
    clearTimeout(this.#pending);
    this.#pending = undefined;
    this.#tell((app) => closedRow(app, this.#options.keeper.view(app)));
  }

  #tell(row: (app: string) => object): void {
    const { path, host, gates, nowMs, onTrouble } = this.#options;
    try {
      const rows = gates.applications().map(row);
      if (JSON.stringify(rows) === toldIn(path)) return;
      makeDirectory(dirname(path), { mode: 0o755 });
      const document = { schema: 'keyturn.gate/v1', host, writtenAt: new Date(nowMs()).toISOString(), gates: rows };
      writeFileAtomic(path, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o644 });
    } catch (error) {
      onTrouble(error); // 3
    }
  }
}

/** What the file says; nothing for one that is not there or was written by somebody else. */
function toldIn(path: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(readFileSync(path, 'utf8')).gates);
  } catch {
    return undefined;
  }
}

function rowOf(app: string, view: GateView): object {
  if (view.state !== 'open') return { app, ...view };
  const { epoch, untilMs, order } = view;
  return { app, state: 'open', epoch, until: new Date(untilMs).toISOString(), entrypoints: order.entrypoints };
}

function closedRow(app: string, view: GateView): object {
  if (view.state !== 'open') return rowOf(app, view);
  return { app, state: 'closed', epoch: view.epoch, reason: 'the agent has stopped' };
}
