/** What mutations begin from and are compared with: a fresh host, one with the release, and the end of an honest run. */
import { AttackedHost } from './attacked-host.ts';
import { listing } from './host-state.ts';
import { directiveMessage } from './honest-answers.ts';
import { deployOf, INSTALLED_RUN } from './session-trials.ts';
import type { Ground } from './trial.ts';

export async function prepareGround(host: AttackedHost): Promise<Ground> {
  const fresh = host.template('fresh');
  await deployHonestly(host, INSTALLED_RUN);
  const run = host.runs().get(INSTALLED_RUN);
  if (run?.phase !== 'proven') throw new Error(`the honest deploy ended ${run?.phase}: ${JSON.stringify(run)}`);
  const honest = {
    listing: listing(host.installRoot),
    statuses: run.statuses.map(({ check, status }) => `${check} ${status}`),
  };
  return { templates: { fresh, installed: host.template('installed') }, honest };
}

/** Deploys as an honest control plane does; resolves when the run rests. */
export async function deployHonestly(host: AttackedHost, run: string): Promise<void> {
  const { mark } = host.happenings;
  const seq = host.journal.lastDirective() + 1;
  host.controlPlane.session?.say(directiveMessage(seq, deployOf(host.repository, run)));
  await host.happenings.next(mark, (happening) => happening.is === 'run-rests' || happening.is === 'refused');
}
