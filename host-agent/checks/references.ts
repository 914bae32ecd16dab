/** `no-service` and `no-process`: what on this host refers to the installation, by the readers of the fingerprint. */
import { noProcessKind } from '../../shared/ledger/kinds/no-process.ts';
import { noServiceKind } from '../../shared/ledger/kinds/no-service.ts';
import type { Reference, ReferencesSeen } from '../../shared/ledger/kinds/references.ts';
import { installPath } from '../../shared/ledger/planned-checks.ts';
import { pathOnHost } from '../install/anchor.ts';
import { processesNaming } from '../install/host-processes.ts';
import { readSchedules } from '../install/host-schedules.ts';
import { paramsOf } from './check-params.ts';
import { cutEnd } from './cut-text.ts';
import { type CheckContext, type CheckOutcome, observed } from './observe.ts';

const PROC = '/proc';
const MOST_REFERENCES = 32;

/** Sees every systemd unit, timer and crontab that names the installation. `hostRoot` holds `etc`, `usr`, `run`, `var`, `home`. */
export async function observeNoService(context: CheckContext, { hostRoot = '/' } = {}): Promise<CheckOutcome> {
  const { paths } = paramsOf(noServiceKind, context.check);
  const searchedFor = pathsSearchedFor(context, paths);
  const schedules = await readSchedules({ hostRoot, naming: searchedFor, signal: context.signal });
  const found = [
    ...schedules.unitsNaming.map((where) => ({ where, what: 'systemd unit' })),
    ...schedules.cronEntriesNaming.map((where) => ({ where, what: 'cron entry' })),
  ];
  return observed(seen(found, { searchedFor, readCount: schedules.facts.size }));
}

/** Sees every process that has the installation as program, working folder or argument. */
export async function observeNoProcess(context: CheckContext): Promise<CheckOutcome> {
  const { paths } = paramsOf(noProcessKind, context.check);
  const searchedFor = pathsSearchedFor(context, paths);
  const { referring, lookedAtCount } = processesNaming(searchedFor, PROC);
  const found = referring.map(({ pid, program, by }) => ({
    where: `pid ${pid}`,
    what: `${program} by ${by.join(', ')}`,
  }));
  return observed(seen(found, { searchedFor, readCount: lookedAtCount }));
}

/** Each path as it stands on this host, and as the plan says it where the two differ; the installation's comes first. */
function pathsSearchedFor({ places, release }: CheckContext, paths: readonly string[]): string[] {
  const planned = [installPath(release), ...paths];
  return [...new Set([...planned.map((path) => pathOnHost(places.rootPrefix, path)), ...planned])];
}

function seen(found: readonly Reference[], read: Pick<ReferencesSeen, 'searchedFor' | 'readCount'>): ReferencesSeen {
  const references = found
    .slice(0, MOST_REFERENCES)
    .map(({ where, what }) => ({ where: cutEnd(where, 1024), what: cutEnd(what, 512) }));
  return { ...read, referenceCount: found.length, references };
}
