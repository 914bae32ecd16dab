/** What mutations begin from and are compared with: a fresh host, one with the release, and the end of an honest run. */
import type { AttackedHost, HostTemplate } from './attacked-host.ts';
import { directiveMessage } from './honest-answers.ts';
import { type JournalRow, listing } from './host-state.ts';
import { surroundingsOf } from './invariants.ts';
import { deployOf, INSTALLED_RUN } from './session-trials.ts';
import type { Ground } from './trial.ts';

export async function prepareGround(host: AttackedHost): Promise<Ground> {
  const before = surroundingsOf(host);
  const fresh = host.template('fresh');
  await deployHonestly(host, INSTALLED_RUN);
  const run = host.journal.runs().get(INSTALLED_RUN);
  if (run?.phase !== 'proven') throw new Error(`the honest deploy ended ${run?.phase}: ${JSON.stringify(run)}`);
  const honest = {
    listing: listing(host.installRoot),
    statuses: run.statuses.map(({ check, status }) => `${check} ${status}`),
  };
  const installed = host.template('installed');
  const withTrust = (tables: ReadonlyMap<string, readonly JournalRow[]>): HostTemplate => ({
    ...fresh,
    rows: new Map([...fresh.rows, ...tables]),
  });
  const names = ['trusted_metadata', 'verified_target'];
  const informed = withTrust(new Map(names.map((table) => [table, installed.rows.get(table) ?? []])));
  const trusted = [...host.repository.withdrawal].map(([name, bytes]) => ({ name, bytes, adopted_at: 'before' }));
  const warned = withTrust(new Map([['trusted_metadata', trusted]]));
  return { templates: { fresh, installed, informed, warned }, honest, before };
}

/** Deploys as an honest control plane does; resolves when the run rests. */
export async function deployHonestly(host: AttackedHost, run: string): Promise<void> {
  const { mark } = host.happenings;
  const seq = host.journal.lastDirective() + 1;
  host.controlPlane.session?.say(directiveMessage(seq, deployOf(host.repository, run)));
  await host.happenings.next(mark, (happening) => happening.is === 'run-rests' || happening.is === 'refused');
}
