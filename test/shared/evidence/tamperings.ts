/**
 * What somebody who hands over evidence may do to it: with no key at all, or with those that the owner of the control plane
 * has, the log's among them. Each row is a sentence, the code that answers it, and the deed.
 */
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { type EvidenceBundle, type EvidenceRecord, encodeEvidence } from '../../../shared/evidence/evidence-bundle.ts';
import { parseEntry, sealEntry } from '../../../shared/ledger/entry.ts';
import { type HeadFacts, signHead } from '../../../shared/ledger/head.ts';
import { signCheckpoint } from '../../../shared/transparency/checkpoint.ts';
import { encodeLogRecord } from '../../../shared/transparency/log-record.ts';
import { MerkleTree } from '../../../shared/transparency/merkle-tree.ts';
import type { NoteSigner } from '../../../shared/transparency/signed-note.ts';
import { generateKey, type SigningKey } from '../../../shared/trust/keys.ts';
import { type EvidenceWorld, HOST, signed, signedAlso, VERSION } from '../../support/evidence-world.ts';
import { APP } from '../../support/world-release.ts';

export interface Scene {
  readonly world: EvidenceWorld;
  readonly log: NoteSigner;
}

/** Changes the bundle, or gives the bytes to judge instead. */
export type Deed = (bundle: EvidenceBundle, scene: Scene) => Buffer | undefined;

const STRANGER = generateKey();
const OTHER_LOG = generateKey();

/** Positions of the honest records. */
export const AT = { verdict: 0, approval: 1, enable: 2, receipt: 3, kill: 4, killed: 5, ruling: 6 } as const;

/** With no key. */
export const STOLEN_GOODS: Readonly<Record<string, readonly [code: string, deed: Deed]>> = {
  'leaves the pinned root out': ['root-not-in-chain', ({ trust }) => void trust.roots.shift()],
  'turns the roots round': ['root-chain-broken', ({ trust }) => void trust.roots.reverse()],
  'puts a root in twice': ['root-chain-broken', ({ trust }) => void trust.roots.push(trust.roots[1] as Buffer)],
  'lets the newest root last longer': [
    'signature-threshold-not-met',
    ({ trust }) => void trust.roots.splice(1, 1, longer(trust.roots[1] as Buffer)),
  ],
  'lets the timestamp last longer': [
    'metadata-not-trusted',
    ({ trust }) => {
      trust.timestamp = longer(trust.timestamp);
    },
  ],
  'lets the snapshot last longer': [
    'metadata-not-trusted',
    ({ trust }) => {
      trust.snapshot = longer(trust.snapshot);
    },
  ],
  'takes the signatures off the targets': [
    'metadata-not-trusted',
    ({ trust }) => {
      trust.targets = edited(trust.targets, (file) => {
        file.signatures = [];
      });
    },
  ],
  'lets the list of releases last longer': [
    'metadata-not-trusted',
    ({ trust }) => {
      trust.releases = longer(trust.releases);
    },
  ],
  'gives the snapshot as the targets': [
    'metadata-type-mismatch',
    ({ trust }) => {
      trust.targets = trust.snapshot;
    },
  ],
  'gives older targets for the newest': [
    'metadata-missing',
    ({ trust, earlierPolicies }) => {
      trust.targets = earlierPolicies[0]?.targets as Buffer;
    },
  ],
  'says another commit in the release statement': [
    'target-differs',
    ({ release }) => {
      release.statement = edited(release.statement, (file) => {
        file.commit = 'a'.repeat(40);
      });
    },
  ],
  'calls the release by another version': [
    'target-not-listed',
    ({ release }) => {
      release.statement = edited(release.statement, (file) => {
        file.version = '9.9';
      });
    },
  ],
  'asks for no second person in the newest policy': [
    'target-differs',
    (bundle) => {
      bundle.policy = edited(bundle.policy, lenient);
    },
  ],
  "leaves the run's policy out": [
    'ledger-digest-mismatch',
    (bundle) => {
      bundle.earlierPolicies = [];
    },
  ],
  "changes the run's policy": [
    'policy-listed-otherwise',
    ({ earlierPolicies: [first] }) => {
      if (first) first.policy = edited(first.policy, lenient);
    },
  ],
  "changes the targets that list the run's policy": [
    'policy-not-vouched-for',
    ({ earlierPolicies: [first] }) => {
      if (first) first.targets = longer(first.targets);
    },
  ],
  'puts an earlier policy in twice': [
    'policies-out-of-order',
    ({ earlierPolicies }) => void earlierPolicies.push(...earlierPolicies),
  ],
  'puts the newest policy among the earlier ones': [
    'policies-out-of-order',
    ({ earlierPolicies, trust, policy }) => void earlierPolicies.push({ targets: trust.targets, policy }),
  ],
  'takes a check out of the plan': [
    'ledger-digest-mismatch',
    ({ release }) => {
      release.plan = edited(release.plan, (plan) => {
        dropLast(plan.gates);
      });
    },
  ],
  'takes a check out of the build record': [
    'ledger-digest-mismatch',
    ({ release }) => {
      release.buildRecord = edited(release.buildRecord, (file) => {
        dropLast(file.checks);
      });
    },
  ],
  'takes a file out of the manifest': [
    'release-content-differs',
    ({ release }) => {
      release.manifest = edited(release.manifest, (file) => {
        dropLast(file.entries);
      });
    },
  ],
  'says another provenance': [
    'release-content-differs',
    ({ release }) => {
      release.provenance = release.manifest;
    },
  ],
  'takes an entry out of the ledger': ['ledger-chain-broken', ({ ledger }) => void ledger.entries.splice(5, 1)],
  'takes the admission away': ['ledger-chain-broken', ({ ledger }) => void ledger.entries.shift()],
  'turns two entries round': [
    'ledger-chain-broken',
    ({ ledger: { entries } }) => void entries.splice(5, 2, entries[6] as Buffer, entries[5] as Buffer),
  ],
  'puts an entry in twice': [
    'ledger-chain-broken',
    ({ ledger: { entries } }) => void entries.splice(5, 0, entries[5] as Buffer),
  ],
  'cuts the last entry off': ['ledger-head-size-mismatch', ({ ledger }) => void ledger.entries.pop()],
  'changes an entry': [
    'ledger-chain-broken',
    ({ ledger }) => void ledger.entries.splice(5, 1, later(ledger.entries[5] as Buffer)),
  ],
  'changes the last entry': [
    'ledger-head-mismatch',
    ({ ledger }) => void ledger.entries.splice(-1, 1, later(ledger.entries.at(-1) as Buffer)),
  ],
  'takes the signature off the head': [
    'envelope-malformed',
    ({ ledger }) => {
      ledger.head = edited(ledger.head, (file) => {
        file.signatures = [];
      });
    },
  ],
  "gives another's key as the host's": [
    'ledger-host-key-mismatch',
    ({ ledger }) => {
      ledger.hostPublicKey = STRANGER.publicKeyPem;
    },
  ],
  'changes the size in the checkpoint': [
    'note-signature-invalid',
    ({ log }) => {
      log.checkpoint = Buffer.from(log.checkpoint.toString().replace('\n7\n', '\n8\n'));
    },
  ],
  'shortens the proof of an order': ['not-in-log', ({ log }) => void log.records[AT.enable]?.proof.pop()],
  'moves an order to another place': [
    'not-in-log',
    ({ log }) => {
      for (const record of log.records.slice(-1)) record.index = 7;
    },
  ],
  'calls a kill a ruling': [
    'not-in-log',
    ({ log }) => {
      for (const record of log.records.slice(AT.kill, AT.killed)) record.kind = 'ruling';
    },
  ],
  'puts a record in twice': [
    'log-records-out-of-order',
    ({ log: { records } }) => void records.splice(2, 0, records[2] as EvidenceRecord),
  ],
  'turns the records round': ['log-records-out-of-order', ({ log }) => void log.records.reverse()],
  'exchanges the documents of two records': [
    'not-in-log',
    ({ log: { records } }) => {
      const [one, other] = [records[AT.enable], records[AT.kill]] as [EvidenceRecord, EvidenceRecord];
      [one.document, other.document] = [other.document, one.document];
    },
  ],
  "takes one approver's signature off an order": [
    'not-in-log',
    ({ log: { records } }) => {
      const order = records[AT.enable] as EvidenceRecord;
      order.document = edited(order.document, (file) => {
        dropLast(file.signatures);
      });
    },
  ],
  'keeps an order back, but not its answer': [
    'record-not-about-run',
    ({ log }) => void log.records.splice(AT.enable, 1),
  ],
  'adds a member': ['evidence-malformed', (bundle) => encodeCanonical({ ...inJson(bundle), verdict: 'A' })],
  'calls it something else': [
    'evidence-malformed',
    (bundle) => encodeCanonical({ ...inJson(bundle), schema: 'keyturn.evidence/v2' }),
  ],
  'leaves the ledger out': [
    'evidence-malformed',
    (bundle) => {
      bundle.ledger.entries = [];
    },
  ],
  'spells base64 in the other alphabet': [
    'evidence-malformed',
    (bundle) => Buffer.from(encodeEvidence(bundle).toString().replaceAll('+', '-').replaceAll('/', '_')),
  ],
  'indents it': ['not-canonical-json', (bundle) => Buffer.from(JSON.stringify(inJson(bundle), null, 2))],
  'cuts it off': ['not-canonical-json', (bundle) => encodeEvidence(bundle).subarray(0, -100)],
};

/** With the key of the log: what is in it can be anything, what people and hosts sign cannot. */
export const FORGED_LOGS: Readonly<Record<string, readonly [code: string, deed: Deed]>> = {
  'signs the log with another key': [
    'note-unsigned',
    (bundle, { log }) => relog(bundle, { name: log.name, key: OTHER_LOG }, (records) => records),
  ],
  'logs an order that one team alone has signed': ['quorum-not-met', orderBy(({ approvers }) => approvers.slice(0, 3))],
  'logs an order that one person has signed twice': [
    'quorum-not-met',
    orderBy(({ approvers: [one] }) => [one, one] as SigningKey[]),
  ],
  'logs an order that nobody of the policy has signed': ['signature-threshold-not-met', orderBy(() => [STRANGER])],
  'logs an order of the one who signed the release': [
    'separation-violated',
    orderBy(({ approvers, releaser }) => [releaser, approvers[3] as SigningKey]),
  ],
  'logs an order that the host itself has signed': ['signature-threshold-not-met', orderBy(({ hostKey }) => [hostKey])],
  'logs an order for another version of the same tree': [
    'order-for-another-release',
    replacing('enable', ({ world }) => signed(world.orderPayload({ version: '2.0' }), world.approvers)),
  ],
  'logs an order from before the run': [
    'record-not-about-run',
    replacing('enable', ({ world }) =>
      signed(world.orderPayload({ issuedAtMs: Date.now() - 3_600_000 }), world.approvers),
    ),
  ],
  'logs an order for another tree': [
    'record-not-about-run',
    replacing('enable', ({ world }) => signed(world.orderPayload({ treeDigest: 'a'.repeat(64) }), world.approvers)),
  ],
  'logs an order as a kill': [
    'record-not-about-run',
    replacing('kill', ({ world }) => signed(world.orderPayload(), world.approvers)),
  ],
  'logs an order with a member that nobody knows': [
    'order-malformed',
    replacing('enable', ({ world }) =>
      signed(
        edited(world.orderPayload(), ({ predicate }) => void Object.assign(predicate as object, { force: 1 })),
        world.approvers,
      ),
    ),
  ],
  'logs an approval of a stranger': [
    'signature-threshold-not-met',
    replacing('approval', ({ world }) => signed(world.orderPayload(), [STRANGER])),
  ],
  'logs a kill that nobody of the policy has signed': [
    'signature-threshold-not-met',
    replacing('kill', ({ world }) => signed(world.killPayload(), [STRANGER])),
  ],
  'logs a kill of another application': [
    'record-not-about-run',
    replacing('kill', ({ world }) => signed(world.killPayload({ app: 'other' }), world.approvers)),
  ],
  'logs a kill for other hosts': [
    'record-not-about-run',
    replacing('kill', ({ world }) => signed(world.killPayload({ hosts: ['host-2'] }), world.approvers)),
  ],
  'logs an answer that the host did not sign': [
    'signature-threshold-not-met',
    replacing('receipt', ({ world }, { log }) => world.receipt(documentAt(log.records, AT.enable), {}, STRANGER)),
  ],
  'logs an answer of another host': [
    'record-not-about-run',
    replacing('receipt', ({ world }, { log }) => world.receipt(documentAt(log.records, AT.enable), { host: 'host-2' })),
  ],
  'logs an answer to an order that nobody gave': [
    'record-not-about-run',
    replacing('receipt', ({ world }) => world.receipt(Buffer.from('an order'))),
  ],
  'logs a head that the host did not sign': [
    'signature-threshold-not-met',
    replacing(
      'verdict',
      headBy(() => STRANGER),
    ),
  ],
  'logs a head that is of another ledger': [
    'verdict-differs',
    replacing(
      'verdict',
      headBy(({ hostKey }) => hostKey),
    ),
  ],
  'logs a ruling of a stranger': [
    'signature-threshold-not-met',
    replacing('ruling', ({ world }) => signed(world.rulingPayload(), [STRANGER])),
  ],
  'logs a ruling about another ledger of the run': [
    'ruling-differs',
    replacing('ruling', ({ world }) => {
      const elsewhere = edited(world.rulingPayload(), (statement) => {
        statement.subject = [{ name: world.proven.run, digest: { sha256: 'b'.repeat(64) } }];
      });
      return signed(elsewhere, world.approvers);
    }),
  ],
  'logs something that is no envelope': ['record-not-about-run', replacing('ruling', () => Buffer.from('a ruling'))],
  'writes the whole ledger anew under a key of its own': [
    'ledger-host-key-mismatch',
    (bundle, { world }) => {
      const entries = rewritten(bundle.ledger.entries);
      const last = parseEntry(entries.at(-1) as Buffer);
      const facts = headFacts(world, { size: entries.length, head: last.digest });
      bundle.ledger = { entries, head: signHead(facts, STRANGER), hostPublicKey: STRANGER.publicKeyPem };
    },
  ],
};

/** Signs the log anew over these records and fills up what is needed. */
export function relog(
  bundle: EvidenceBundle,
  log: NoteSigner,
  change: (records: readonly EvidenceRecord[]) => readonly Pick<EvidenceRecord, 'kind' | 'document'>[],
): undefined {
  const records = change(bundle.log.records);
  const tree = new MerkleTree(records.map(({ kind, document }) => encodeLogRecord(kind, document)));
  bundle.log.checkpoint = signCheckpoint({ size: tree.size, root: tree.root() }, log);
  bundle.log.records = records.map(({ kind, document }, index) => ({
    kind,
    document,
    index,
    proof: tree.proof(index),
  }));
}

function orderBy(signers: (world: EvidenceWorld) => readonly SigningKey[]): Deed {
  return replacing('enable', ({ world }) => signedByAll(world.orderPayload(), signers(world)));
}

function signedByAll(payload: Buffer, [first, ...others]: readonly SigningKey[]): Buffer {
  return others.reduce(signedAlso, signed(payload, [first as SigningKey]));
}

/** Puts another document in the place of the first one of that kind, and into the log. */
function replacing(kind: EvidenceRecord['kind'], document: (scene: Scene, bundle: EvidenceBundle) => Buffer): Deed {
  return (bundle, scene) => {
    const other = document(scene, bundle);
    relog(bundle, scene.log, (records) => {
      const place = records.findIndex((record) => record.kind === kind);
      return records
        .map((record, index) => (index === place ? { kind, document: other } : record))
        .filter((record) => (kind !== 'enable' && kind !== 'kill' ? true : record.kind !== 'receipt'));
    });
  };
}

function headBy(keyOf: (world: EvidenceWorld) => SigningKey) {
  return ({ world }: Scene): Buffer => signHead(headFacts(world, { size: 7, head: 'c'.repeat(64) }), keyOf(world));
}

function headFacts({ proven: { run, treeDigest } }: EvidenceWorld, end: Pick<HeadFacts, 'size' | 'head'>): HeadFacts {
  const digests = { treeDigest, planDigest: 'd'.repeat(64), policyDigest: 'e'.repeat(64) };
  return { app: APP, version: VERSION, run, host: HOST, at: new Date().toISOString(), ...digests, ...end };
}

function documentAt(records: readonly EvidenceRecord[], position: number): Buffer {
  return (records[position] as EvidenceRecord).document;
}

type JsonFile = Record<string, unknown>;

/** Of a list in a JSON file. */
function dropLast(list: unknown): void {
  (list as unknown[]).pop();
}

/** The JSON in these bytes, changed, in the canonical spelling. */
function edited(bytes: Uint8Array, change: (file: JsonFile) => void): Buffer {
  const file = JSON.parse(Buffer.from(bytes).toString()) as JsonFile;
  change(file);
  return encodeCanonical(file);
}

function longer(metadata: Uint8Array): Buffer {
  return edited(
    metadata,
    ({ signed: content }) => void Object.assign(content as object, { expires: '2099-01-01T00:00:00Z' }),
  );
}

function lenient(policy: JsonFile): void {
  for (const rule of policy.rules as { quorum: unknown[]; separation: boolean }[]) {
    rule.quorum.splice(1);
    rule.separation = false;
  }
}

function later(entry: Uint8Array): Buffer {
  return edited(entry, (file) => {
    file.at = '2030-01-01T00:00:00.000Z';
  });
}

function inJson(bundle: EvidenceBundle): JsonFile {
  return JSON.parse(encodeEvidence(bundle).toString()) as JsonFile;
}

/** The same bodies a day later, chained anew. */
function rewritten(entries: readonly Buffer[]): Buffer[] {
  let previous: ReturnType<typeof sealEntry> | undefined;
  return entries.map(parseEntry).map(({ entry: { run, host, body } }) => {
    previous = sealEntry(previous, { run, host, at: '2030-01-01T00:00:00.000Z' }, body);
    return previous.bytes;
  });
}
