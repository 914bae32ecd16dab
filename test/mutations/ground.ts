/** What mutations begin from and are compared with: hosts as honest people have left them, and the end of an honest run. */
import { sha256 } from '../../shared/digest.ts';
import type { Directive } from '../../shared/rpc/generated/messages.ts';
import type { AttackedHost, HostTemplate } from './attacked-host.ts';
import { LIVE_ENTRYPOINT } from './built-release.ts';
import { forgedEnables, forgedRulings } from './forged-orders.ts';
import { directiveMessage } from './honest-answers.ts';
import { type JournalRow, listing } from './host-state.ts';
import { surroundingsOf } from './invariants.ts';
import { enabling, ruling } from './order-trials.ts';
import { deployOf, INSTALLED_RUN, REPORT } from './session-trials.ts';
import { APP, LIVE_RUN, OrderDesk, type SignedOrders } from './signed-orders.ts';
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
  const { closed, open, orders } = await prepareGates(host);
  const names = ['trusted_metadata', 'verified_target'];
  const informed = withTrust(new Map(names.map((table) => [table, installed.rows.get(table) ?? []])));
  const trusted = [...host.repository.withdrawal].map(([name, bytes]) => ({ name, bytes, adopted_at: 'before' }));
  const warned = withTrust(new Map([['trusted_metadata', trusted]]));
  return { templates: { fresh, installed, informed, warned, closed, open }, honest, before, orders };
}

interface Gates {
  readonly closed: HostTemplate;
  readonly open: HostTemplate;
  readonly orders: SignedOrders;
}

/** On the installed host: reported, the gap is waived, the gate opened, killed, and opened once more. */
async function prepareGates(host: AttackedHost): Promise<Gates> {
  const { repository } = host;
  const desk = new OrderDesk(repository, { journal: host.journal, nowMs: host.clock.now() });
  const tooEarly = desk.enable();
  await orderHonestly(host, REPORT);
  const firstWaiver = desk.ruling();
  await orderHonestly(host, ruling(firstWaiver));
  const spent = desk.enable();
  await orderHonestly(host, enabling(spent));
  const kill = desk.kill();
  await orderHonestly(host, { kind: 'kill', kill });
  const closed = host.template('closed');
  const made = { tooEarly, spent, enable: desk.enable(), waiver: desk.ruling() };
  const forged = {
    forgedEnables: forgedEnables(desk, { repository, made }),
    forgedRulings: forgedRulings(desk, { repository, made }),
  };
  await orderHonestly(host, enabling(made.enable));
  const open = host.template('open');
  const enableAfterKill = desk.enable({ leaf: { epoch: made.enable.epoch + 1 } });
  const enableAgain = { ...made.enable, ...desk.logged('enable', made.enable.envelope) };
  const epochOf = new Map([made.enable, enableAfterKill].map(({ envelope, epoch }) => [sha256(envelope), epoch]));
  const rulings = new Set([firstWaiver, made.waiver].map(({ envelope }) => sha256(envelope)));
  const runLive = { liveId: LIVE_RUN, app: APP, entrypoint: LIVE_ENTRYPOINT };
  const orders = { ...made, ...forged, enableAfterKill, enableAgain, kill, runLive, epochOf, rulings };
  return { closed, open, orders };
}

/** Orders as an honest control plane does; resolves when nothing is left to do. */
async function orderHonestly(host: AttackedHost, directive: Directive): Promise<void> {
  const { mark } = host.happenings;
  const seq = host.journal.lastDirective() + 1;
  host.controlPlane.session?.say(directiveMessage(seq, directive));
  await host.happenings.next(mark, () => host.journal.lastDirective() === seq);
  await host.settle();
  const refusal = host.happenings.all.slice(mark).find(({ is }) => is === 'refused');
  if (refusal) throw new Error(`an honest ${directive.kind} was refused: ${JSON.stringify(refusal)}`);
}

/** Deploys as an honest control plane does; resolves when the run rests. */
export async function deployHonestly(host: AttackedHost, run: string): Promise<void> {
  const { mark } = host.happenings;
  const seq = host.journal.lastDirective() + 1;
  host.controlPlane.session?.say(directiveMessage(seq, deployOf(host.repository, run)));
  await host.happenings.next(mark, (happening) => happening.is === 'run-rests' || happening.is === 'refused');
}
