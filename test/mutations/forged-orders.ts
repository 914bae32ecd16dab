/** Decisions with one thing wrong that no bit tells: each is signed, proven and in a log as far as whoever made it could. */
import { sha256 } from '../../shared/digest.ts';
import type { Enable, Ruling } from '../../shared/rpc/generated/messages.ts';
import { generateKey } from '../../shared/trust/keys.ts';
import { TestLog } from '../support/enable-world.ts';
import { DRY_ENTRYPOINT } from './built-release.ts';
import type { OrderChange, OrderDesk, SignedOrders } from './signed-orders.ts';
import type { SignedRepository } from './signed-repository.ts';

const HOUR_MS = 3_600_000;

type Made = Pick<SignedOrders, 'enable' | 'spent' | 'tooEarly' | 'waiver'>;

export function forgedEnables(
  desk: OrderDesk,
  { repository, made }: { repository: SignedRepository; made: Made },
): (readonly [string, Enable])[] {
  const { nowMs } = desk;
  const { enable, spent, tooEarly, waiver } = made;
  const changes: Readonly<Record<string, OrderChange>> = {
    ...peopleAndLogs(repository),
    'of an earlier epoch': { leaf: { epoch: enable.epoch - 1 } },
    'of a later epoch': { leaf: { epoch: enable.epoch + 1 } },
    'for another host': { leaf: { host: 'devhost-7' } },
    'on another run': { leaf: { run: '01ARZ3NDEKTSV4RRFFQ69G5FA9' } },
    'on another ledger': { leaf: { head: sha256('another ledger') } },
    'on what the ledger was': { leaf: { head: tooEarly.head } },
    'of another application': { order: { app: 'other' } },
    'of another version': { order: { version: '0.9' } },
    'of another tree': { order: { treeDigest: sha256('another tree') } },
    'of an entrypoint that is not live': { order: { entrypoints: [DRY_ENTRYPOINT] } },
    'of an entrypoint that nobody planned': { order: { entrypoints: ['shell'] } },
    'whose window is over': { order: { issuedAtMs: nowMs - HOUR_MS, expiresMs: nowMs - 1 } },
    'whose window is to come': { order: { notBeforeMs: nowMs + HOUR_MS } },
    'issued in the future': { order: { issuedAtMs: nowMs + HOUR_MS } },
    'with a lease longer than the policy has': { order: { leaseMs: 300 * 24 * HOUR_MS } },
  };
  return [
    ...Object.entries(changes).map(([name, change]) => [name, desk.enable(change)] as const),
    ['that was spent, as it came then', spent],
    ['that was spent, in the log of today', { ...spent, ...desk.logged('enable', spent.envelope) }],
    [
      'that was spent, with the evidence of today',
      { ...enable, envelope: spent.envelope, ...desk.logged('enable', spent.envelope) },
    ],
    ['that is a ruling', { ...enable, envelope: waiver.envelope, ...desk.logged('enable', waiver.envelope) }],
    ['that is in the log as a ruling', { ...enable, ...desk.logged('ruling', enable.envelope) }],
    ['that nobody signed', { ...enable, ...unsigned(desk) }],
  ];
}

export function forgedRulings(
  desk: OrderDesk,
  { repository, made }: { repository: SignedRepository; made: Made },
): (readonly [string, Ruling])[] {
  const { enable, waiver, tooEarly } = made;
  const changes: Readonly<Record<string, Parameters<OrderDesk['ruling']>[0]>> = {
    ...peopleAndLogs(repository),
    'for another host': { ruling: { host: 'devhost-7' } },
    'on another run': { ruling: { run: '01ARZ3NDEKTSV4RRFFQ69G5FA9' } },
    'on another ledger': { ruling: { head: sha256('another ledger') } },
    'on what the ledger was': { ruling: { head: tooEarly.head } },
    'on a check without a gap': { ruling: { check: 'command' } },
    'to go on where nothing waits': { ruling: { decision: 'proceed', stopGate: 'SG1', expiresMs: undefined } },
    'to stop where nothing waits': { ruling: { decision: 'stop', stopGate: 'SG1', expiresMs: undefined } },
  };
  return [
    ...Object.entries(changes).map(([name, change]) => [name, desk.ruling(change)] as const),
    ['that is an order', { ...waiver, envelope: enable.envelope, ...desk.logged('ruling', enable.envelope) }],
    ['that is in the log as an order', { ...waiver, ...desk.logged('enable', waiver.envelope) }],
  ];
}

function peopleAndLogs({
  deciders: { approvers, releaser, log },
}: SignedRepository): Readonly<Record<string, Pick<OrderChange, 'signers' | 'log'>>> {
  const [operations, security] = approvers;
  return {
    'signed by operations alone': { signers: [operations] },
    'signed by security alone': { signers: [security] },
    'signed by one of them and a stranger': { signers: [operations, generateKey()] },
    'signed by whoever signed the release': { signers: [releaser, security] },
    'signed by strangers': { signers: [generateKey(), generateKey()] },
    'in the log of a stranger': { log: new TestLog({ name: log.name, key: generateKey() }) },
    'in a log that has another past': { log: new TestLog(log, 40, 'another past') },
    'in a log that is shorter than it was': { log: new TestLog(log, 1) },
  };
}

/** The payload of an honest order in an envelope without signatures. */
function unsigned(desk: OrderDesk): Pick<Enable, 'envelope' | 'logProof' | 'logConsistency'> {
  const { envelope } = desk.enable();
  const bare = { ...(JSON.parse(envelope.toString('utf8')) as object), signatures: [] };
  const bytes = Buffer.from(JSON.stringify(bare));
  return { envelope: bytes, ...desk.logged('enable', bytes) };
}
