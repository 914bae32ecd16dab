/**
 * Ways in which somebody who owns the control plane, the network, the log, one approver's key, a release key or the clock tries to
 * open a gate. Each row is a sentence, the code that answers it, and the attempt.
 */
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import type { EnableOffer, HostFacts } from '../../../shared/orders/admit.ts';
import { type EnableOrder, encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import { EvidenceTree } from '../../../shared/orders/evidence-leaf.ts';
import { encodeLogRecord } from '../../../shared/transparency/log-record.ts';
import { parseEnvelope, preAuthEncoding } from '../../../shared/trust/dsse.ts';
import { publicKeyHex } from '../../../shared/trust/keys.ts';
import { EXECUTION_KILL_PREDICATE, RULING_PREDICATE } from '../../../shared/trust/statement.ts';
import {
  ANNAS_OTHER_KEY,
  CARLS_CARD,
  DORAS_CARD,
  EPOCH,
  EVIDENCE,
  HOST,
  honestOffer,
  LEAVES,
  LOG,
  MINUTE_MS,
  NOW_MS,
  OTHER_LOG,
  offerOf,
  orderOf,
  PEOPLE,
  policyOf,
  QUORUM,
  RELEASE_KEY,
  STANDING,
  STRANGER,
  sign,
  signWithCard,
  TestLog,
} from '../../support/enable-world.ts';
import { SshFileKey } from '../../support/security-key.ts';

/** What reaches a host, and what is true there; the honest case unless said. */
export interface Attempt {
  readonly offer: EnableOffer;
  readonly facts?: Partial<HostFacts>;
}

const { anna, bela, rita, carl } = PEOPLE;
export const payloadOf = (change: Partial<EnableOrder> = {}) => encodeEnableOrder(orderOf(change));
export const signedBy = (...keys: (typeof anna.key)[]): Attempt => ({ offer: offerOf(sign(payloadOf(), keys)) });
const ordering = (change: Partial<EnableOrder>): Attempt => ({ offer: honestOffer(change) });
const carrying = (change: Partial<EnableOffer>): Attempt => ({ offer: { ...honestOffer(), ...change } });
const on = (facts: Partial<HostFacts>): Attempt => ({ offer: honestOffer(), facts });
const evidence = () => honestOffer().evidence;
const leafOf = (host: string) => EVIDENCE.proofFor(host) as NonNullable<ReturnType<typeof EVIDENCE.proofFor>>;

interface Statement {
  subject: object[];
  predicateType: string;
  predicate: Record<string, unknown>;
}

/** The honest statement as an object, changed, and signed again by those who may: a mistake, or a trick, that people signed. */
function resigned(change: (statement: Statement) => void): Attempt {
  const statement = JSON.parse(payloadOf().toString()) as Statement;
  change(statement);
  return { offer: offerOf(sign(encodeCanonical(statement as never))) };
}

/** The honest envelope, changed without any key. */
function tampered(
  change: (envelope: { payload: string; payloadType: string; signatures: { keyid: string; sig: string }[] }) => void,
): Attempt {
  const offer = honestOffer();
  const envelope = JSON.parse(Buffer.from(offer.envelope).toString());
  change(envelope);
  return { offer: offerOf(encodeCanonical(envelope)) };
}

const predicateOf = (statement: Statement) => statement.predicate;

export const ADMISSION_ATTACKS: Readonly<Record<string, readonly [code: string, attempt: () => Attempt]>> = {
  // Who owns the control plane, and no key.
  'an order that nobody signed': ['signature-threshold-not-met', () => signedBy(STRANGER)],
  'an order that only the release key signed': ['signature-threshold-not-met', () => signedBy(RELEASE_KEY)],
  'an order with one byte of its payload changed': [
    'signature-threshold-not-met',
    () =>
      tampered((envelope) => {
        const payload = Buffer.from(envelope.payload, 'base64');
        envelope.payload = Buffer.from(payload.toString().replace('November', 'Novembes')).toString('base64');
      }),
  ],
  'an order with its signatures swapped between their keys': [
    'nothing was refused',
    () =>
      tampered(({ signatures: [a, b] }) => {
        if (a && b) [a.keyid, b.keyid] = [b.keyid, a.keyid];
      }),
  ],
  'an order under another payload type': [
    'payload-type-mismatch',
    () => ({ offer: offerOf(sign(payloadOf(), QUORUM, 'application/json')) }),
  ],
  'signatures that were made over the payload alone': [
    'signature-threshold-not-met',
    () =>
      tampered((envelope) => {
        for (const [index, key] of QUORUM.entries()) {
          const signature = envelope.signatures[index];
          if (signature) signature.sig = key.sign(Buffer.from(envelope.payload, 'base64')).toString('base64');
        }
      }),
  ],
  'an envelope with a field that the host does not know': [
    'envelope-malformed',
    () => tampered((envelope) => Object.assign(envelope, { hint: 'open' })),
  ],
  'an envelope without signatures': ['envelope-malformed', () => tampered((envelope) => envelope.signatures.splice(0))],
  'a ruling that the same people signed': [
    'predicate-type-mismatch',
    () => resigned((statement) => Object.assign(statement, { predicateType: RULING_PREDICATE })),
  ],
  'a kill that the same people signed': [
    'predicate-type-mismatch',
    () => resigned((statement) => Object.assign(statement, { predicateType: EXECUTION_KILL_PREDICATE })),
  ],
  'an order of another version of the format': [
    'predicate-type-mismatch',
    () =>
      resigned((statement) =>
        Object.assign(statement, { predicateType: 'https://keyturn.dev/attestation/execution-enable/v2' }),
      ),
  ],
  'an order that is not in the canonical encoding': [
    'not-canonical-json',
    () => ({ offer: offerOf(sign(Buffer.from(JSON.stringify(JSON.parse(payloadOf().toString()), null, 1)))) }),
  ],
  'the order for this host, with another host’s evidence': [
    'order-for-another-host',
    () => carrying({ evidence: leafOf('host-02') }),
  ],
  'another host’s evidence under this host’s name': [
    'evidence-differs',
    () => carrying({ evidence: { ...leafOf('host-02'), leaf: { ...leafOf('host-02').leaf, host: HOST } } }),
  ],
  'this host’s evidence at another host’s place': [
    'evidence-not-in-order',
    () => carrying({ evidence: { ...evidence(), index: 2 } }),
  ],
  'this host’s evidence with another host’s path': [
    'evidence-not-in-order',
    () => carrying({ evidence: { ...evidence(), path: leafOf('host-02').path } }),
  ],
  'this host’s evidence with half a path': [
    'evidence-not-in-order',
    () => carrying({ evidence: { ...evidence(), path: evidence().path.slice(1) } }),
  ],
  'this host’s evidence with a path of its own making': [
    'evidence-not-in-order',
    () => carrying({ evidence: { ...evidence(), index: 0, path: [] } }),
  ],
  'one host more than the people signed for': [
    'evidence-not-in-order',
    () => {
      const more = new EvidenceTree([...LEAVES.filter(({ host }) => host !== HOST)]);
      const order = payloadOf({ evidence: { root: more.root().toString('hex'), size: more.size } });
      return { offer: offerOf(sign(order)) };
    },
  ],
  'the evidence of the next epoch, which nobody signed': [
    'evidence-not-in-order',
    () => ({
      offer: { ...honestOffer(), evidence: { ...evidence(), leaf: { ...evidence().leaf, epoch: EPOCH + 1 } } },
      facts: { epoch: EPOCH + 1 },
    }),
  ],
  'an order that is not in the log': [
    'not-in-log',
    () => {
      const log = new TestLog();
      log.append(Buffer.from('something else'));
      return carrying({ logProof: log.proof(5), consistency: log.consistency(5) });
    },
  ],
  'an order in a log of the attacker’s own': [
    'note-unsigned',
    () => ({ offer: offerOf(sign(payloadOf()), new TestLog(OTHER_LOG)) }),
  ],
  'an order in a log with another past': [
    'log-inconsistent',
    () => ({ offer: offerOf(sign(payloadOf()), new TestLog(LOG, 5, 'another entry')) }),
  ],
  'an order in a log that was made anew': [
    'log-shrank',
    () => ({
      offer: offerOf(sign(payloadOf()), new TestLog(LOG, 0)),
      facts: { seen: () => new TestLog(LOG, 90).checkpoint() },
    }),
  ],
  'an order with a log proof of the same size and another root': [
    'log-inconsistent',
    () => ({
      offer: { ...offerOf(sign(payloadOf()), new TestLog(LOG, 5, 'another entry')), consistency: [] },
      facts: { seen: () => new TestLog(LOG, 7).checkpoint() },
    }),
  ],
  'an order without the proof that the log only grew': ['log-inconsistent', () => carrying({ consistency: [] })],
  'an order whose log leaf is that of a kill': [
    'not-in-log',
    () => {
      const envelope = sign(payloadOf());
      const log = new TestLog();
      const index = log.append(encodeLogRecord('kill', envelope));
      return { offer: { ...offerOf(envelope), logProof: log.proof(index), consistency: log.consistency(5) } };
    },
  ],
  'an order without any log proof': ['log-proof-malformed', () => carrying({ logProof: Buffer.alloc(0) })],
  'an order on a host whose policy names no log': [
    'policy-names-no-log',
    () => on({ policy: policyOf({}, { log: undefined }) }),
  ],
  'an order that opened the gate before': [
    'order-replayed',
    () => on({ isUsed: (nonce) => nonce === orderOf().nonce }),
  ],
  'an order that was signed before the last kill': ['order-of-another-epoch', () => on({ epoch: EPOCH + 1 })],
  'an order of a later epoch, put back by an old journal': ['order-of-another-epoch', () => on({ epoch: EPOCH - 1 })],
  'an order for another release of the application': [
    'order-for-another-release',
    () => on({ standing: { ...STANDING, version: '0.7' } }),
  ],
  'an order for another application': [
    'order-for-another-release',
    () => on({ standing: { ...STANDING, app: 'iu-merger' } }),
  ],
  'an order when nothing was ever proven here': ['nothing-proven', () => on({ standing: undefined })],
  'an order after a byte of the tree changed': [
    'tree-differs',
    () => on({ standing: { ...STANDING, treeDigest: sha256('another tree') } }),
  ],
  'an order after a gate result changed': [
    'evidence-differs',
    () => on({ standing: { ...STANDING, head: sha256('another head') } }),
  ],
  'an order bound to an earlier run of the same release': [
    'evidence-differs',
    () => on({ standing: { ...STANDING, run: '01JD0000000000000000000009' } }),
  ],
  'an order for a host that is not ready': [
    'not-ready',
    () => on({ standing: { ...STANDING, notReady: ['G6 is PARTIAL'] } }),
  ],
  'an order while the trust metadata is withheld': ['metadata-not-fresh', () => on({ freshUntilMs: NOW_MS })],
  'an order for a host without a rule': ['no-rule-for-host', () => on({ labels: { env: 'staging' } })],
  'an order for a host that somebody relabelled': ['no-rule-for-host', () => on({ labels: {} })],
  // Who owns one approver’s key.
  'an order that one approver signed': ['quorum-not-met', () => signedBy(anna.key)],
  'an order that one approver signed three times': [
    'quorum-not-met',
    () =>
      tampered((envelope) => {
        const message = preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, 'base64'));
        const sig = anna.key.sign(message).toString('base64');
        envelope.signatures = ['a', 'b', 'c'].map((keyid) => ({ keyid, sig }));
      }),
  ],
  'an order that one approver signed with two keys': [
    'quorum-not-met',
    () => signedBy(anna.key, ANNAS_OTHER_KEY, carl.key),
  ],
  'an order that one approver signed as herself and through ssh-keygen': [
    'quorum-not-met',
    () => {
      const offer = signedBy(anna.key, carl.key).offer;
      const parsed = parseEnvelope(offer.envelope);
      const sig = new SshFileKey(anna.key).sign(preAuthEncoding(parsed.payloadType, parsed.payload)).toString('base64');
      const envelope = JSON.parse(Buffer.from(offer.envelope).toString());
      return {
        offer: offerOf(encodeCanonical({ ...envelope, signatures: [...envelope.signatures, { keyid: 'x', sig }] })),
      };
    },
  ],
  'an order that two of operations signed, and nobody of security': [
    'quorum-not-met',
    () => signedBy(anna.key, bela.key, rita.key),
  ],
  'an order that one of operations and security signed': ['quorum-not-met', () => signedBy(anna.key, carl.key)],
  'an order that security signed twice, in a file and on a card': [
    'quorum-not-met',
    () => ({ offer: offerOf(signWithCard(sign(payloadOf(), [anna.key, carl.key]), CARLS_CARD)) }),
  ],
  'an order with the quorum’s signatures of another order': [
    'signature-threshold-not-met',
    () =>
      tampered((envelope) => {
        const other = JSON.parse(sign(payloadOf({ nonce: '0'.repeat(32) })).toString());
        envelope.signatures = other.signatures;
      }),
  ],
  'an order that a card signed for git': [
    'quorum-not-met',
    () => ({ offer: offerOf(signWithCard(sign(payloadOf(), [anna.key, carl.key]), DORAS_CARD, { namespace: 'git' })) }),
  ],
  'an order that a card signed for another application': [
    'quorum-not-met',
    () => ({
      offer: offerOf(signWithCard(sign(payloadOf(), [anna.key, carl.key]), DORAS_CARD, { application: 'ssh:git' })),
    }),
  ],
  'an order without a touch where the policy asks for one': [
    'quorum-not-met',
    () => ({
      offer: offerOf(signWithCard(signWithCard(sign(payloadOf(), [anna.key]), DORAS_CARD), CARLS_CARD, { flags: 0 })),
      facts: {
        policy: policyOf({
          presence: 'required',
          quorum: [
            { team: 'operations', count: 1 },
            { team: 'security', count: 1 },
          ],
        }),
      },
    }),
  ],
  'an order signed by files where the policy asks for a touch': [
    'quorum-not-met',
    () => ({
      offer: honestOffer(),
      facts: { policy: policyOf({ presence: 'required', quorum: [{ team: 'security', count: 1 }] }) },
    }),
  ],
  'an order by an approver whom the policy no longer has': [
    'quorum-not-met',
    () => {
      const policy = policyOf();
      return on({ policy: { ...policy, approvers: policy.approvers.filter(({ holder }) => holder !== 'bela') } });
    },
  ],
  // Who owns a release key.
  'an order that whoever signed the release approved as well': [
    'separation-violated',
    () => ({
      ...signedBy(anna.key, rita.key, carl.key),
      facts: { standing: { ...STANDING, releasers: new Set([publicKeyHex(rita.key.publicKeyPem)]) } },
    }),
  ],
  'an order that a releaser approved with his other key': [
    'separation-violated',
    () => ({
      ...signedBy(ANNAS_OTHER_KEY, bela.key, carl.key),
      facts: { standing: { ...STANDING, releasers: new Set([publicKeyHex(anna.key.publicKeyPem)]) } },
    }),
  ],
  // Who owns the clock.
  'an order before its window': [
    'order-not-yet-valid',
    () => ordering({ notBeforeMs: NOW_MS + 1, issuedAtMs: NOW_MS }),
  ],
  'an order in the instant when its window ends': [
    'order-expired',
    () => ordering({ expiresMs: NOW_MS, notBeforeMs: NOW_MS - MINUTE_MS }),
  ],
  'an order that was issued in the future': [
    'order-from-the-future',
    () => ordering({ issuedAtMs: NOW_MS + 2 * MINUTE_MS }),
  ],
  'an order on a host whose clock was set back': ['clock-went-back', () => on({ isClockBehind: true })],
  // Who gets people to sign too much.
  'a lease that is longer than the policy allows': ['lease-too-long', () => ordering({ leaseMs: 61 * MINUTE_MS })],
  'an entrypoint that the plan does not have': ['entrypoint-not-in-plan', () => ordering({ entrypoints: ['shell'] })],
  'an entrypoint of the plan that is not live': [
    'entrypoint-not-in-plan',
    () => ordering({ entrypoints: ['dryrun', 'live'] }),
  ],
  'an order with a field that the host does not know': [
    'order-malformed',
    () => resigned((statement) => Object.assign(predicateOf(statement), { argv: ['sh'] })),
  ],
  'an order in a mode that there is not': [
    'order-malformed',
    () => resigned((statement) => Object.assign(predicateOf(statement), { mode: 'anything' })),
  ],
  'an order without a nonce': [
    'order-malformed',
    () => resigned((statement) => void delete predicateOf(statement).nonce),
  ],
  'an order without a window': [
    'order-malformed',
    () => resigned((statement) => void delete predicateOf(statement).expires),
  ],
  'an order that ends before it begins': [
    'order-malformed',
    () => resigned((statement) => Object.assign(predicateOf(statement), { notBefore: '2026-11-22T14:00:00.000Z' })),
  ],
  'an order with two subjects': [
    'order-malformed',
    () => resigned((statement) => statement.subject.push({ name: 'x', digest: { sha256: sha256('x') } })),
  ],
  'an order about another subject': [
    'order-malformed',
    () => resigned((statement) => Object.assign(statement.subject[0] ?? {}, { name: 'iu-cutter-0.7' })),
  ],
  'an order with an entrypoint twice': [
    'order-malformed',
    () => resigned((statement) => Object.assign(predicateOf(statement), { entrypoints: ['live', 'live'] })),
  ],
  'an order for no entrypoint': [
    'order-malformed',
    () => resigned((statement) => Object.assign(predicateOf(statement), { entrypoints: [] })),
  ],
  'an order with times in another zone': [
    'order-malformed',
    () => resigned((statement) => Object.assign(predicateOf(statement), { expires: '2026-11-22T14:00:00.000+01:00' })),
  ],
};
