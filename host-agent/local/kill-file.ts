/**
 * The file KILL in the agent's folder: whoever can make it wants nothing to execute here. It needs no signature, no network,
 * no command and no running agent.
 *
 * 1. Whatever stands there by that name counts: a file that cannot be read, a folder, a link to nowhere; and so does not being
 *    able to tell (P3).
 * 2. Each application obeys each such file once, however often the agent starts meanwhile: every order that was signed before
 *    is dead, also those that have not come yet.
 */
import { type BigIntStats, lstatSync } from 'node:fs';
import { RejectedError, systemCodeOf } from '../../shared/errors.ts';
import type { HostKiller } from './host-killer.ts';

export const KILL_FILE = 'KILL';

export interface KillFileOptions {
  readonly path: string;
  readonly killer: HostKiller;
}

export class KillFile {
  readonly #options: KillFileOptions;
  #wasThere = false;

  constructor(options: KillFileOptions) {
    this.#options = options;
  }

  /** Kills what has not obeyed the file that is there. All are tried. Errors: the first of `HostKiller.kill`. */
  obey(): void {
    const file = killFileAt(this.#options.path);
    this.#wasThere = file !== undefined;
    if (file !== undefined) this.#killAll(file);
  }

  /** The name has come or gone: a file that is gone before anybody has looked was there. Errors: as `obey`. */
  renamed(): void {
    if (this.#wasThere || killFileAt(this.#options.path) !== undefined) this.obey();
    else {
      this.#wasThere = true; // its going is yet to be told
      this.#killAll(undefined);
    }
  }

  #killAll(file: string | undefined): void {
    const { path, killer } = this.#options;
    const failures: unknown[] = [];
    for (const app of killer.applications()) {
      if (file !== undefined && killer.kills.obeyedFile(app) === file) continue;
      const also = () => killer.kills.saveObeyedFile(app, file ?? 'gone');
      try {
        killer.kill(app, { reason: `the file "${path}" is there`, by: `file ${KILL_FILE}`, also });
      } catch (error) {
        if (!isUnknownGate(error)) failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Which file it is, in words that no other has; undefined where there is none. */
export function killFileAt(path: string): string | undefined {
  try {
    const file = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return file && identityOf(file);
  } catch (error) {
    return `not to be told: ${systemCodeOf(error)}`; // 1
  }
}

/** Writing to it, or into a folder, makes no new one. Where the file system keeps no time of birth, its last change has to do. */
function identityOf({ ino, birthtimeNs, ctimeNs }: BigIntStats): string {
  return birthtimeNs > 0n ? `${ino} born ${birthtimeNs}` : `${ino} changed ${ctimeNs}`;
}

/** It opens for nothing, and has no epoch to raise. */
function isUnknownGate(error: unknown): boolean {
  return error instanceof RejectedError && error.code === 'gate-state-unknown';
}
