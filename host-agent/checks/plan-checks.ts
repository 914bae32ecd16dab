import { observeAbsent } from './absent.ts';
import { observeAnchor } from './built-in/anchor.ts';
import { observeDryrun } from './dryrun.ts';
import { observeEntrypoint } from './entrypoint.ts';
import { observeExec } from './exec.ts';
import { observeFile } from './file.ts';
import { observeFlag } from './flag.ts';
import { observeHttp } from './http.ts';
import type { Observe } from './observe.ts';
import { observePort } from './port.ts';
import { observeNoProcess, observeNoService } from './references.ts';
import { observeRefusesLive } from './refuses-live.ts';
import { observeSql } from './sql.ts';
import { observeTree } from './tree.ts';

/** The checks that a plan may name, by kind. */
export const planChecks: ReadonlyMap<string, Observe> = new Map<string, Observe>([
  ['exec', observeExec],
  ['file', observeFile],
  ['tree', observeTree],
  ['anchor', observeAnchor],
  ['absent', observeAbsent],
  ['no-service', (context) => observeNoService(context)],
  ['no-process', observeNoProcess],
  ['port', observePort],
  ['flag', observeFlag],
  ['entrypoint', observeEntrypoint],
  ['refuses-live', observeRefusesLive],
  ['http', observeHttp],
  ['sql', observeSql],
  ['dryrun', observeDryrun],
]);
