/**
 * Ways to open a gate, or to keep one open, that only the wire offers: whoever owns the control plane writes what they want into the
 * directives of a host, in what order they want, and keeps back what they want; whoever owns the host's disk or clock changes it
 * under an open gate. Each row is a sentence, the answer, and the attempt; behind it stands a real agent.
 */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../shared/digest.ts';
import { DRILL_APP } from '../../shared/orders/drill.ts';
import type { Enable } from '../../shared/rpc/generated/messages.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { signCheckpoint, verifyCheckpoint } from '../../shared/transparency/checkpoint.ts';
import { encodeLogProof, parseLogProof } from '../../shared/transparency/log-proof.ts';
import { parseEnvelope } from '../../shared/trust/dsse.ts';
import { generateKey, type SigningKey } from '../../shared/trust/keys.ts';
import type { Policy } from '../../shared/trust/policy.ts';
import type { OrderWorld } from '../support/order-world.ts';
import type { Offer, ProvenHost } from '../support/proven-host.ts';
import { isInPhase } from '../support/world.ts';
import { APP, NEIGHBOUR_NAME, SECRET_NAME } from '../support/world-release.ts';

export interface WireOutcome {
  /** The code that the host answered with; of a gate that was open, the reason that it was closed for. */
  readonly answer: string;
  /** Whether a gate that had to stay closed was ever opened, or one that had to close is still open. */
  readonly isOpened: boolean;
}

/** What is there to attack. */
export interface Attacked {
  readonly orders: OrderWorld;
  /** A host whose gate was never opened; no attempt may open it. */
  readonly quiet: ProvenHost;
}

type Attempt = (attacked: Attacked) => Promise<WireOutcome>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** On the host that is never opened. */
function offered(offer: Offer | ((attacked: Attacked) => Offer)): Attempt {
  return async (attacked) => {
    const answer = await attacked.quiet.answerTo(typeof offer === 'function' ? offer(attacked) : offer);
    return closedOutcome(attacked.quiet, answer);
  };
}

function claiming(claims: (enable: Enable) => Partial<Enable>): Attempt {
  return offered({ claims });
}

/** The journal has it otherwise than it was when the order was signed. */
function rewritten(statement: string): Attempt {
  return async ({ orders }) => {
    const host = await orders.provenHost();
    const enable = await host.enable();
    await host.host.stopAgent();
    host.rewriteJournal(statement);
    const seq = await host.put({ kind: 'enable', enable });
    await host.followAll();
    return closedOutcome(host, await host.outcomeOf(seq));
  };
}

function closedOutcome(host: ProvenHost, answer: string): WireOutcome {
  return { answer, isOpened: host.isOpen || host.wasOpened };
}

export const WIRE_ATTACKS: Readonly<Record<string, readonly [answer: RegExp, attempt: Attempt]>> = {
  // A directive that says something else than the order in it.
  'a directive for another application than the order': [/^nothing-proven$/, claiming(() => ({ app: 'another' }))],
  'a directive for an application that cannot be': [/^nothing-proven$/, claiming(() => ({ app: '../../etc' }))],
  'a directive with a run that this host never had': [
    /^nothing-proven$/,
    claiming(() => ({ runId: '01JD0000000000000000000000' })),
  ],
  'a directive with the head of another ledger': [
    /^evidence-differs$/,
    claiming(() => ({ head: sha256('another ledger') })),
  ],
  'a directive with an epoch that the order does not have': [
    /^evidence-not-in-order$/,
    offered(({ quiet }) => ({ leaf: { epoch: quiet.epoch + 1 }, claims: () => ({ epoch: quiet.epoch }) })),
  ],
  'an order of a later epoch than the gate has': [
    /^order-of-another-epoch$/,
    offered(({ quiet }) => ({ leaf: { epoch: quiet.epoch + 1 } })),
  ],
  'an order for another host, with the evidence of this one beside it': [
    /^evidence-not-in-order$/,
    offered({ leaf: { host: 'another-host' } }),
  ],
  'an order for another ledger, with the head of this one beside it': [
    /^evidence-not-in-order$/,
    offered(({ quiet }) => ({ leaf: { head: sha256('x') }, claims: () => ({ head: quiet.leaf().head }) })),
  ],
  'an order with a hash too many in the path of its evidence': [
    /^evidence-not-in-order$/,
    claiming(() => ({ evidencePath: [Buffer.alloc(32)] })),
  ],
  'an order that says to be at another place of the evidence': [
    /^evidence-not-in-order$/,
    claiming(() => ({ evidenceIndex: 1 })),
  ],
  'an order with a byte of its payload changed on the way': [
    /^signature-threshold-not-met$/,
    offered({ envelope: (envelope) => withPayload(envelope, (text) => text.replace('an attack', 'no attack')) }),
  ],
  'an envelope with a field that nobody knows': [
    /^envelope-malformed$/,
    offered({
      envelope: (envelope) => Buffer.from(JSON.stringify({ ...JSON.parse(envelope.toString()), open: true })),
    }),
  ],
  'an order that somebody signed who is in no policy': [
    /^signature-threshold-not-met$/,
    offered({ keys: [generateKey(), generateKey(), generateKey()] }),
  ],
  'an order that too few of those in the policy signed': [
    /^quorum-not-met$/,
    offered(({ orders }) => ({ keys: orders.approvers.slice(0, 2) })),
  ],
  'an order that one person signed three times': [
    /^quorum-not-met$/,
    offered(({ orders: { approvers } }) => ({ keys: [0, 0, 0].flatMap((index) => approvers.slice(index, 1)) })),
  ],
  'an order that the release key signed, which was stolen': [
    /^signature-threshold-not-met$/,
    offered(({ orders }) => ({ keys: orders.world.keysOf(`release-${APP}`) })),
  ],
  // The log.
  'an order that is in another log of the same name': [
    /^note-unsigned$/,
    offered(({ orders }) => ({ claims: byAnotherLog(orders) })),
  ],
  'an order with the proof of another one': [
    /^not-in-log$/,
    async (attacked) => {
      const { logProof, logConsistency } = await attacked.quiet.enable();
      return offered({ claims: () => ({ logProof, logConsistency }) })(attacked);
    },
  ],
  'an order without a proof that it is in the log': [
    /^log-proof-malformed$/,
    claiming(() => ({ logProof: Buffer.alloc(0) })),
  ],
  // Time.
  'an order whose window is over': [
    /^order-expired$/,
    offered(() => ({ order: windowFrom(Date.now() - 2 * HOUR_MS) })),
  ],
  'an order whose window is still to come': [
    /^order-not-yet-valid$/,
    offered(() => ({ order: { ...windowFrom(Date.now() + HOUR_MS), issuedAtMs: Date.now() } })),
  ],
  'an order from the future': [
    /^order-from-the-future$/,
    offered(() => ({ order: { issuedAtMs: Date.now() + HOUR_MS / 2 } })),
  ],
  'an order with a longer lease than the policy allows': [
    /^lease-too-long$/,
    offered({ order: { leaseMs: 25 * HOUR_MS } }),
  ],
  // What was not proven.
  'an order for an entrypoint that is not live in the plan': [
    /^entrypoint-not-in-plan$/,
    offered({ order: { entrypoints: ['dryrun'] } }),
  ],
  'an order for another version than the one that stands there': [
    /^order-for-another-release$/,
    offered({ order: { version: '9.9.9' } }),
  ],
  'an order for another tree than the one that stands there': [
    /^tree-differs$/,
    offered({ order: { treeDigest: sha256('another tree') } }),
  ],
  'an order for the application of drills': [/^order-for-another-release$/, offered({ order: { app: DRILL_APP } })],
  'an order for a run that has failed': [
    /^nothing-proven$/,
    async ({ orders }) => {
      const failed = await orders.failedHost((host) => host.removeSecret(SECRET_NAME));
      return closedOutcome(failed, await failed.answerTo({}));
    },
  ],
  'an order for a run that is rolled back': [
    /^nothing-proven$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      const offer = await host.enable();
      await orders.rollBack(host);
      const seq = await host.put({ kind: 'enable', enable: offer });
      await host.followAll();
      return closedOutcome(host, await host.outcomeOf(seq));
    },
  ],
  'an order for a run that is held until people rule': [
    /^nothing-proven$/,
    rewritten("update runs set state = json_set(state, '$.phase', 'held') where id = ?"),
  ],
  'an order for a run whose ledger is no longer kept on the host': [
    /^nothing-proven$/,
    rewritten('delete from ledger_entries where run = ?'),
  ],
  'an order for a tree with one byte more than was proven': [
    /^tree-differs$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      appendFileSync(join(host.installPath, 'docs', 'README.md'), '.');
      return closedOutcome(host, await host.answerTo({}));
    },
  ],
  'an order for a host whose neighbour has changed': [
    /^not-ready$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      writeFileSync(join(host.host.installRoot, NEIGHBOUR_NAME, 'NOTES'), 'runs no more\n');
      return closedOutcome(host, await host.answerTo({}));
    },
  ],
  'an order for a host that has joined again since, with empty logs': [
    /^nothing-proven$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      const enable = await host.enable();
      await host.host.stopAgent();
      const again = await orders.rejoined(host);
      const seq = await again.put({ kind: 'enable', enable });
      await again.followAll();
      return closedOutcome(again, await again.outcomeOf(seq));
    },
  ],
  // The order in which directives come.
  'an order that was sent before a kill, and comes first when the host is back': [
    /^order-of-another-epoch$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      const enable = await host.enable();
      await host.host.stopAgent();
      const seq = await host.put({ kind: 'enable', enable });
      await host.kill();
      await host.followAll();
      return closedOutcome(host, await host.outcomeOf(seq));
    },
  ],
  'an order that arrives, while the kill behind it is kept back': [
    /^order-of-another-epoch$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      const enable = await host.enable();
      const kill = { kind: 'kill', kill: { app: APP, order: Buffer.from('a record'), reason: 'kept back' } } as const;
      await host.host.stopAgent();
      const seq = await host.put({ kind: 'enable', enable });
      // What comes between the two shows that the agent had all the time it needs to follow the first.
      const between = await orders.redeployed(host);
      await host.whileKeptBack(kill, async () => {
        await host.host.startAgent();
        await orders.world.whenRun(between, isInPhase('failed'));
        if (host.host.read((journal) => journal.lastDirectiveSeq()) !== seq + 1)
          throw new Error('nothing was kept back');
      });
      const wasOpened = host.wasOpened;
      await host.put(kill);
      await host.followAll();
      return { answer: await host.outcomeOf(seq), isOpened: wasOpened || host.wasOpened || host.isOpen };
    },
  ],
  'the same order twice': [
    /^order-replayed$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      const enable = await host.open();
      const seq = await host.put({ kind: 'enable', enable });
      await host.followAll();
      // What was open is not opened again by a restart.
      return { answer: await host.outcomeOf(seq), isOpened: host.isOpen };
    },
  ],
  'the order that opened the gate, after a kill, with the new epoch beside it': [
    /^evidence-not-in-order$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      const { envelope } = await host.open();
      await host.kill();
      await host.whenClosed();
      const answer = await host.answerTo({ envelope: () => envelope });
      return { answer, isOpened: host.isOpen };
    },
  ],
  'a gate that may open again after a restart, while the kill of it is kept back': [
    /^killed: kept back$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      const kill = { kind: 'kill', kill: { app: APP, order: Buffer.from('a record'), reason: 'kept back' } } as const;
      let wasOpened = false;
      await orders.withPolicy(mayReopen, async () => {
        await host.open();
        await host.host.stopAgent();
        const between = await orders.redeployed(host);
        await host.whileKeptBack(kill, async () => {
          await host.host.startAgent();
          await orders.world.whenRun(between, isInPhase('failed'));
          wasOpened = host.isOpen;
        });
        await host.put(kill);
        await host.followAll();
      });
      return { answer: await host.whenClosed(), isOpened: wasOpened || host.isOpen };
    },
  ],
  'the policy of yesterday, by which fewer people were enough, under a new timestamp of the control plane': [
    /^metadata-version-unexpected$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      const keys = orders.approvers.slice(0, 1);
      let answer = '';
      await orders.withPolicy(withQuorumOfOne, async () => {
        const weak = await orders.publication();
        await orders.world.signPolicy((policy) => policy);
        const before = await host.answerTo({ keys });
        if (before !== 'quorum-not-met') throw new Error(`by the policy of today it was answered with "${before}"`);
        answer = await orders.whileShown(weak, () => host.answerTo({ keys }));
      });
      return closedOutcome(host, answer);
    },
  ],
  // Under an open gate.
  'an approver who leaves the policy while the gate is open': [
    /^quorum-not-met/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      await host.open();
      const first = orders.approvers[0]?.keyId;
      await orders.withPolicy(
        (policy) => ({ ...policy, ...replacedApprover(policy.approvers, first ?? '') }),
        async () => host.whenClosed(),
      );
      return { answer: await host.whenClosed(), isOpened: host.isOpen };
    },
  ],
  'an approver who is found to have signed the release': [
    /^separation-violated/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      await host.open();
      const [release] = orders.world.keysOf(`release-${APP}`);
      const [first] = orders.approvers;
      if (!release || !first) throw new Error('there are no keys');
      await orders.withPolicy(
        (policy) => ({ ...policy, approvers: [...policy.approvers, sameHolder(policy.approvers, { first, release })] }),
        async () => host.whenClosed(),
      );
      return { answer: await host.whenClosed(), isOpened: host.isOpen };
    },
  ],
  'a byte of the tree that changes while the gate is open': [
    /^tree-differs/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      await host.open({ order: { leaseMs: 3_000 } });
      appendFileSync(join(host.installPath, 'docs', 'README.md'), '.');
      return { answer: await host.whenClosed(), isOpened: host.isOpen };
    },
  ],
  'a control plane that says nothing any more while the gate is open': [
    /^the lease has lapsed$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      await host.open({ order: { leaseMs: 2_000 } });
      await orders.world.stopControlPlane();
      const answer = await host.whenClosed();
      await orders.world.startControlPlane();
      return { answer, isOpened: host.isOpen };
    },
  ],
  'a clock that is set back while the gate is open': [
    /^the clock went back$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      let aheadMs = 0;
      const clock = { ...ticking, now: () => systemClock.now() + aheadMs };
      await host.open({}, { clock });
      aheadMs = -HOUR_MS;
      return { answer: await host.whenClosed(), isOpened: host.isOpen };
    },
  ],
  'a clock that is held still while the gate is open': [
    /^(the clock went back|the lease has lapsed)$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      let heldAt: number | undefined;
      let steadyAheadMs = 0;
      const clock = { ...ticking, now: () => heldAt ?? systemClock.now() };
      await host.open({}, { clock, steadyMs: () => performance.now() + steadyAheadMs });
      heldAt = Date.now();
      steadyAheadMs = HOUR_MS;
      return { answer: await host.whenClosed(), isOpened: host.isOpen };
    },
  ],
  'a file KILL that is made while the gate is open': [
    /^killed: the file/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      await host.open();
      mkdirSync(host.host.stateDirectory, { recursive: true });
      writeFileSync(join(host.host.stateDirectory, 'KILL'), '');
      const answer = await host.whenClosed();
      const refused = await host.answerTo({});
      rmSync(join(host.host.stateDirectory, 'KILL'));
      return { answer: refused === 'kill-file-present' ? answer : refused, isOpened: host.isOpen };
    },
  ],
  'an agent that is started anew while the gate is open': [
    /^the agent was started anew$/,
    async ({ orders }) => {
      const host = await orders.provenHost();
      await host.open();
      await host.host.stopAgent();
      await host.host.startAgent();
      return { answer: await host.whenClosed(), isOpened: host.isOpen };
    },
  ],
};

/** Timers of the system, whatever the clock says. */
const ticking = { setTimer: (ms: number, action: () => void) => systemClock.setTimer(ms, action) };

function windowFrom(notBeforeMs: number) {
  return { issuedAtMs: notBeforeMs, notBeforeMs, expiresMs: notBeforeMs + HOUR_MS };
}

function withPayload(envelope: Buffer, change: (text: string) => string): Buffer {
  const { payload } = parseEnvelope(envelope);
  const members = JSON.parse(envelope.toString()) as { payload: string };
  return Buffer.from(
    JSON.stringify({ ...members, payload: Buffer.from(change(payload.toString())).toString('base64') }),
  );
}

function byAnotherLog({ world }: OrderWorld): (enable: Enable) => Partial<Enable> {
  const { key } = world.plane.log;
  return ({ logProof }) => {
    const parsed = parseLogProof(logProof);
    const checkpoint = signCheckpoint(verifyCheckpoint(parsed.checkpoint, key), { name: key.name, key: generateKey() });
    return { logProof: encodeLogProof({ ...parsed, checkpoint }) };
  };
}

function mayReopen(policy: Policy): Policy {
  return { ...policy, rules: policy.rules.map((rule) => ({ ...rule, reopen: true })) };
}

function withQuorumOfOne(policy: Policy): Policy {
  return { ...policy, rules: policy.rules.map((rule) => ({ ...rule, quorum: [{ team: 'operations', count: 1 }] })) };
}

interface PolicyApprover {
  readonly keyId: string;
  readonly publicKey: string;
  readonly holder: string;
  readonly team: string;
}

/** The same seat with another key in it, so that the quorum can still be met, but not by what was signed. */
function replacedApprover(approvers: readonly PolicyApprover[], keyId: string): { approvers: PolicyApprover[] } {
  const { publicKeyPem, keyId: newId } = generateKey();
  return {
    approvers: approvers.map((one) => (one.keyId === keyId ? { ...one, keyId: newId, publicKey: publicKeyPem } : one)),
  };
}

/** The release key, entered as a second key of somebody who approved. */
function sameHolder(
  approvers: readonly PolicyApprover[],
  { first, release }: { first: SigningKey; release: SigningKey },
): PolicyApprover {
  const seat = approvers.find(({ keyId }) => keyId === first.keyId);
  if (!seat) throw new Error('the first approver is not in the policy');
  return { ...seat, keyId: release.keyId, publicKey: release.publicKeyPem };
}
