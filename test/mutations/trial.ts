/** One mutation, provoked on a running agent, and what came of it. */
import { RejectedError } from '../../shared/errors.ts';
import type { HostileAnswers } from '../support/hostile-control-plane.ts';
import type { AttackedHost, HostTemplate } from './attacked-host.ts';
import type { Happening } from './happenings.ts';
import { directiveMessage } from './honest-answers.ts';
import { type HonestEnd, type Looked, type Surroundings, violations } from './invariants.ts';
import type { SignedOrders } from './signed-orders.ts';

export interface Trial {
  /** What carries the mutation: `directive of a deploy`, `file 2.root.json`. */
  readonly carrier: string;
  /** `Deploy.runId`, `root: signed.version`. */
  readonly field: string;
  readonly mutation: string;
  /**
   * The state that the host begins from. Of an `informed` and a `warned` one nothing is installed either; the one trusts the
   * metadata that lists the release, the other knows that it was withdrawn since. Of a `closed` and an `open` one all is
   * installed and its gap waived; the gate of either has been open, and was closed by a kill; that of the other is open again.
   */
  readonly from: 'fresh' | 'installed' | 'informed' | 'warned' | 'closed' | 'open';
  /** What differs from the honest answers. */
  readonly answers?: Partial<HostileAnswers>;
  /** What is said in the session, with the number that the next directive has. */
  readonly say: (seq: number) => readonly Buffer[];
  /** How many of these are directives, said honestly. */
  readonly directiveCount: number;
  /** The session is begun anew before: the mutation is in the Welcome. */
  readonly isAtWelcome?: true;
  /** Whether the honest effect has come about; only asked where nothing is violated. */
  readonly isAsHonest: (host: AttackedHost, seen: Seen) => boolean;
}

/**
 * - `as-honest`: what the honest message would have led to, and nothing else.
 * - `nothing`: the mutated message had no effect, and the session went on.
 * - `refused`: by a directive's outcome. `session-ended`: by the host. `held-back`: tried again, in vain.
 * - `run-failed`: a run was begun, and undone.
 * - `violated`: what must never be.
 */
export type Ending = 'as-honest' | 'nothing' | 'refused' | 'session-ended' | 'held-back' | 'run-failed' | 'violated';

export interface Verdict {
  readonly ending: Ending;
  readonly details: string;
}

export interface Ground {
  readonly templates: Readonly<Record<Trial['from'], HostTemplate>>;
  readonly honest: HonestEnd;
  /** Everything else, as it stood in the beginning. */
  readonly before: Surroundings;
  readonly orders: SignedOrders;
}

const MOVES_ON = 'mutation-is-over';
/** No run has this id: a rollback of it is refused, once everything before it has been followed. */
const NO_RUN = '00000000000000000000000000';

export async function attempt(host: AttackedHost, trial: Trial, ground: Ground): Promise<Verdict> {
  const template = ground.templates[trial.from];
  host.restore(template);
  host.controlPlane.answers = { ...host.honest.all(), ...trial.answers };
  const mark = trial.isAtWelcome ? await host.beginSession() : host.happenings.mark;
  const seen = await provoke(host, trial, mark);
  host.controlPlane.answers = { ...host.honest.all(), metadata: moveOn, content: moveOn };
  await host.settle();
  host.controlPlane.answers = host.honest.all();
  return judge(trial, { host, template, seen, ...ground });
}

/** What ended the waiting: the honest message behind the mutated one, or something before it. */
export interface Seen {
  readonly ended: 'probe' | 'session-ended' | 'held-back';
  readonly refusals: readonly string[];
  readonly last: string;
}

async function provoke(host: AttackedHost, trial: Trial, mark: number): Promise<Seen> {
  const seq = host.journal.lastDirective() + 1;
  const said = trial.say(seq);
  for (const message of said) host.controlPlane.session?.say(message);
  const probe = seq + trial.directiveCount;
  host.controlPlane.session?.say(directiveMessage(probe, { kind: 'rollback', rollback: { runId: NO_RUN } }));
  const refusals: string[] = [];
  let isProbeAnswered = false;
  for (let at = mark; ; at += 1) {
    // Orders are followed beside the runs: the probe overtakes them.
    const isAllHeard = at === host.happenings.mark;
    if (isProbeAnswered && isAllHeard && host.journal.unhandledDirectives() === 0) break;
    await host.happenings.change(at);
    const happening = host.happenings.all[at] as Happening;
    if (happening.is === 'refused' && happening.directive === probe) isProbeAnswered = true;
    else if (happening.is === 'refused') refusals.push(`${happening.code}: ${happening.reason}`);
    if (happening.is === 'trouble') return { ended: 'session-ended', refusals, last: happening.reason };
    if (happening.is === 'tried-in-vain') return { ended: 'held-back', refusals, last: happening.reason };
    if (happening.is === 'waiting') return { ended: 'held-back', refusals, last: 'an effect of the run' };
    if (happening.is === 'agent-died') throw new Error(`the agent died: ${happening.reason}`);
  }
  return { ended: 'probe', refusals, last: '' };
}

function judge(trial: Trial, looked: Looked & { seen: Seen }): Verdict {
  const { host, seen, template } = looked;
  const faults = violations(looked);
  if (faults.length > 0) return { ending: 'violated', details: faults.join('; ') };
  const details = seen.refusals[0] ?? seen.last;
  if (trial.isAsHonest(host, seen)) return { ending: 'as-honest', details };
  const known = template.rows.get('runs')?.length ?? 0;
  if (host.journal.runs().size > known) return { ending: 'run-failed', details: failureOf(host) };
  if (seen.refusals.length > 0) return { ending: 'refused', details };
  return { ending: seen.ended === 'probe' ? 'nothing' : seen.ended, details };
}

function failureOf(host: AttackedHost): string {
  return [...host.journal.runs()]
    .map(([run, { phase, statuses }]) => `${run} ${phase} ${statuses.at(-1)?.check ?? ''}`)
    .join();
}

function moveOn(): AsyncIterable<never> {
  throw new RejectedError(MOVES_ON, 'the next mutation waits');
}
