/**
 * `gate.json`: what the gates are, for whoever likes to read. It says what was true when it was written and nothing more: no
 * program may go by it, and none can open anything with it. The gate itself is asked over its socket.
 */
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
}

export class GateFile {
  readonly #options: GateFileOptions;
  #written = '';

  constructor(options: GateFileOptions) {
    this.#options = options;
  }

  /** Writes it if anything has changed. Errors: `TransientError`. */
  write(): void {
    const { path, host, keeper, gates, nowMs } = this.#options;
    const rows = gates.applications().map((app) => rowOf(app, keeper.view(app)));
    const said = JSON.stringify(rows);
    if (said === this.#written) return;
    makeDirectory(dirname(path), { mode: 0o755 });
    const document = { schema: 'keyturn.gate/v1', host, writtenAt: new Date(nowMs()).toISOString(), gates: rows };
    writeFileAtomic(path, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o644 });
    this.#written = said;
  }
}

function rowOf(app: string, view: GateView): object {
  if (view.state !== 'open') return { app, ...view };
  const { epoch, untilMs, order } = view;
  return { app, state: 'open', epoch, until: new Date(untilMs).toISOString(), entrypoints: order.entrypoints };
}
