/** Mutations of the directives that are about execution: enable, kill, ruling, run live; and decisions that nobody made. */
import type { GateState } from '../../host-agent/gate/machine.ts';
import { sha256 } from '../../shared/digest.ts';
import { parseEntry } from '../../shared/ledger/entry.ts';
import type { Directive, Enable, Ruling } from '../../shared/rpc/generated/messages.ts';
import type { AttackedHost } from './attacked-host.ts';
import { DRY_ENTRYPOINT } from './built-release.ts';
import type { OtherPayloads } from './field-mutations.ts';
import { directiveMessage, encodeMessage } from './honest-answers.ts';
import { type FieldShape, keyOf } from './message-shapes.ts';
import { type Effect, INSTALLED_RUN, NEW_RUN, otherPayloads, trialsOf } from './session-trials.ts';
import { APP, LIVE_RUN, type SignedOrders } from './signed-orders.ts';
import type { SignedRepository } from './signed-repository.ts';
import type { Trial } from './trial.ts';

export const OPENS: Effect = {
  from: 'closed',
  directiveCount: 1,
  isAsHonest: (host) => gateOf(host)?.state === 'open',
};

export const KILLS: Effect = { from: 'open', directiveCount: 1, isAsHonest: (host) => isKilled(host, 1) };

export const WAIVES: Effect = { from: 'closed', directiveCount: 1, isAsHonest: (host) => rulingsOf(host).length === 2 };

export const RUNS_LIVE: Effect = {
  from: 'open',
  directiveCount: 1,
  isAsHonest: (host) => liveRunCount(host) === 1,
};

/** Of a host whose gate was killed once before. */
export function isKilled(host: AttackedHost, times: number): boolean {
  const gate = gateOf(host);
  return gate?.state === 'closed' && gate.epoch === 1 + times;
}

export function gateOf(host: AttackedHost): GateState | undefined {
  return host.journal.gates().get(APP);
}

export function liveRunCount(host: AttackedHost): number {
  return host.journal.count('select count(*) as n from live_runs');
}

/** Digests of what the installed run was ruled on by. */
export function rulingsOf(host: AttackedHost): string[] {
  return (host.journal.rows().get('ledger_entries') ?? []).flatMap(({ bytes }) => {
    const { body } = parseEntry(bytes as Buffer).entry;
    return body.type === 'ruling-recorded' ? [body.rulingDigest] : [];
  });
}

export function enabling(enable: Enable): Directive {
  return { kind: 'enable', enable };
}

export function ruling(said: Ruling): Directive {
  return { kind: 'ruling', ruling: said };
}

export function killing({ kill }: SignedOrders): Directive {
  return { kind: 'kill', kill };
}

export function runningLive({ runLive }: SignedOrders): Directive {
  return { kind: 'runLive', runLive };
}

/** Every field of each of the four, and of what carries it. */
export function orderTrials(repository: SignedRepository, orders: SignedOrders): Trial[] {
  const others = otherOrders(repository, orders);
  const directive = (name: string, effect: Effect, content: Directive) =>
    trialsOf(others, { carrier: `${name} directive`, effect, message: (seq) => directiveMessage(seq, content) });
  return [
    ...directive('enable', OPENS, enabling(orders.enable)),
    ...directive('kill', KILLS, killing(orders)),
    ...directive('ruling', WAIVES, ruling(orders.waiver)),
    ...directive('run live', RUNS_LIVE, runningLive(orders)),
  ];
}

/** Sound messages with a decision in them that the people of the policy did not make, or not about this. */
export function forgedOrderTrials({ forgedEnables, forgedRulings }: SignedOrders): Trial[] {
  const rows = (field: string, effect: Effect, all: readonly (readonly [string, Directive])[]) =>
    all.map(([mutation, directive]) => ({
      ...{ carrier: 'forged decision', field, mutation, ...effect },
      say: (seq: number) => [directiveMessage(seq, directive)],
    }));
  return [
    ...rows(
      'an order to enable',
      OPENS,
      forgedEnables.map(([name, forged]) => [name, enabling(forged)]),
    ),
    ...rows(
      'a ruling',
      WAIVES,
      forgedRulings.map(([name, forged]) => [name, ruling(forged)]),
    ),
  ];
}

/** What is right in the same place of another message. */
function otherOrders(repository: SignedRepository, orders: SignedOrders): OtherPayloads {
  const { enable, spent, kill, waiver, runLive } = orders;
  const text = (...texts: string[]) => texts.map((other) => Buffer.from(other));
  const payloads: Readonly<Record<string, readonly Buffer[]>> = {
    'Directive.enable': [encodeMessage('Enable', spent)],
    'Directive.kill': [encodeMessage('Kill', { ...kill, app: 'other' })],
    'Directive.ruling': [encodeMessage('Ruling', { ...waiver, runId: NEW_RUN })],
    'Directive.runLive': [encodeMessage('RunLive', { ...runLive, entrypoint: DRY_ENTRYPOINT })],
    'Enable.app': text('other', 'cutter2', INSTALLED_RUN),
    'Enable.envelope': [spent.envelope, waiver.envelope, kill.order],
    'Enable.runId': text(NEW_RUN, 'run-7'),
    'Enable.head': text(spent.head, sha256('another'), sha256(enable.envelope)),
    'Enable.evidencePath': [Buffer.alloc(32), enable.evidencePath[0] ?? Buffer.alloc(32)],
    'Enable.logProof': [spent.logProof, waiver.logProof],
    'Enable.logConsistency': [Buffer.alloc(32)],
    'Kill.app': text('other', 'cutter2'),
    'Kill.order': [enable.envelope],
    'Kill.reason': text('no reason'),
    'Ruling.runId': text(NEW_RUN, 'run-7'),
    'Ruling.envelope': [enable.envelope, spent.envelope],
    'Ruling.logProof': [enable.logProof, spent.logProof],
    'Ruling.logConsistency': [Buffer.alloc(32)],
    'RunLive.liveId': text(INSTALLED_RUN, LIVE_RUN.replace('B0', 'C1'), 'live-7'),
    'RunLive.app': text('other', 'cutter2'),
    'RunLive.entrypoint': text(DRY_ENTRYPOINT, 'shell', 'bin/cut'),
  };
  const ofSession = otherPayloads(repository);
  return (field: FieldShape) => payloads[keyOf(field)] ?? ofSession(field);
}
