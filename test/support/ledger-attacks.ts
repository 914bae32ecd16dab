/** Ways to forge a ledger: what each does, the code that must refuse it, and the layer that must do so. */
import { decodeCanonical, encodeCanonical, type Json } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { parseEntry, type SealedEntry } from '../../shared/ledger/entry.ts';
import { type HeadFacts, signHead } from '../../shared/ledger/head.ts';
import type { LedgerBundle } from '../../shared/ledger/ledger-bundle.ts';
import { LIMITS } from '../../shared/limits.ts';
import { addSignature, parseEnvelope, signEnvelope } from '../../shared/trust/dsse.ts';
import { generateKey } from '../../shared/trust/keys.ts';
import {
  encodeStatement,
  LEDGER_HEAD_PREDICATE,
  RULING_PREDICATE,
  STATEMENT_PAYLOAD_TYPE,
} from '../../shared/trust/statement.ts';
import { headFactsOf, ledgerFixture, saw, sealAll } from './ledger-fixture.ts';

export const hostKey = generateKey();
const otherKey = generateKey();
export const good = ledgerFixture({ hostKey });
const otherRun = ledgerFixture({ hostKey, run: 'run-8' });
const otherHost = ledgerFixture({ hostKey, host: 'devhost-2' });
export const failed = ledgerFixture({ hostKey, results: { unit: saw('other') } });
export const last = good.entries.length - 1;

/** Where an attack must end: the earliest layer that can know. */
export type Layer = 'entry' | 'chain' | 'envelope' | 'head' | 'cover' | 'admission' | 'digest' | 'release' | 'key';

export interface Attack {
  readonly code: string;
  readonly layer: Layer;
  readonly bundle: () => LedgerBundle;
}

export const withEntries = (entries: readonly (SealedEntry | Uint8Array)[], head = good.bundle.head): LedgerBundle => ({
  ...good.bundle,
  entries: entries.map((entry) => ('bytes' in entry ? entry.bytes : entry)),
  head,
});

/** An attacker who holds the host's key signs whatever the facts say. */
export const headOf = (changes: Partial<HeadFacts>) => signHead({ ...good.headFacts, ...changes }, hostKey);

const predicateOf = ({ app, version, treeDigest, ...predicate }: HeadFacts) =>
  predicate as Readonly<Record<string, Json>>;

function statementHead(changes: { subject?: object[]; predicate?: object; predicateType?: string }): Buffer {
  const subject = [{ name: 'iu-cutter-0.6', digest: { sha256: good.headFacts.treeDigest } }];
  const { predicateType = LEDGER_HEAD_PREDICATE } = changes;
  const predicate = { ...predicateOf(good.headFacts), ...changes.predicate };
  const statement = encodeStatement({ subject: (changes.subject ?? subject) as never, predicateType, predicate });
  return signEnvelope(STATEMENT_PAYLOAD_TYPE, statement, [hostKey]);
}

function editedEntry(index: number, edit: (entry: Record<string, Json>) => object): Buffer {
  return encodeCanonical(
    edit(decodeCanonical((good.entries[index] as SealedEntry).bytes, 'entry') as Record<string, Json>),
  );
}

/** The chain sealed anew over changed bodies, as a host itself could do it, with its head signed by that host. */
export function resealed(
  change: (bodies: SealedEntry['entry']['body'][]) => SealedEntry['entry']['body'][],
): LedgerBundle {
  const entries = sealAll(change(good.entries.map(({ entry }) => entry.body)), { run: 'run-7', host: 'devhost-1' });
  return withEntries(entries, signHead(headFactsOf(entries, good.release, good.headFacts.policyDigest), hostKey));
}

export const admission = good.entries[0]?.entry.body as Extract<SealedEntry['entry']['body'], { type: 'run-admitted' }>;

export const ATTACKS: Readonly<Record<string, Attack>> = {
  'an entry is taken out of the middle': attack('chain', 'ledger-chain-broken', () =>
    withEntries(good.entries.toSpliced(5, 1)),
  ),
  'the first entry is taken out': attack('chain', 'ledger-chain-broken', () => withEntries(good.entries.slice(1))),
  'two entries change places': attack('chain', 'ledger-chain-broken', () =>
    withEntries([...good.entries.slice(0, 3), good.entries[4]!, good.entries[3]!, ...good.entries.slice(5)]),
  ),
  'an entry stands twice': attack('chain', 'ledger-chain-broken', () =>
    withEntries(good.entries.toSpliced(4, 0, good.entries[4]!)),
  ),
  'the order is turned round': attack('chain', 'ledger-chain-broken', () => withEntries(good.entries.toReversed())),
  'an entry comes out of a failed ledger of the same run': attack('chain', 'ledger-chain-broken', () =>
    withEntries(failed.entries.with(20, good.entries[20]!)),
  ),
  'all entries after one are those of another run': attack('chain', 'ledger-chain-broken', () =>
    withEntries([...good.entries.slice(0, 9), ...otherRun.entries.slice(9)]),
  ),
  'one entry is linked well and names another run': attack('chain', 'ledger-mixed', () =>
    withEntries(good.entries.with(last, parseEntry(editedEntry(last, (entry) => ({ ...entry, run: 'run-8' }))))),
  ),
  'one entry is linked well and names another host': attack('chain', 'ledger-mixed', () =>
    withEntries(good.entries.with(last, parseEntry(editedEntry(last, (entry) => ({ ...entry, host: 'devhost-2' }))))),
  ),
  'a sequence number is skipped': attack('chain', 'ledger-chain-broken', () =>
    withEntries([
      ...good.entries.slice(0, last),
      parseEntry(editedEntry(last, (entry) => ({ ...entry, seq: last + 1 }))),
    ]),
  ),
  'there is no entry at all': attack('chain', 'ledger-empty', () => withEntries([])),
  'the observation in an entry in the middle is edited': attack('chain', 'ledger-chain-broken', () =>
    withEntries(
      good.entries.with(20, parseEntry(editedEntry(20, (entry) => ({ ...entry, at: '2026-05-21T09:00:21.001Z' })))),
    ),
  ),
  'the last entry is edited': attack('cover', 'ledger-head-mismatch', () =>
    withEntries(
      good.entries.with(last, parseEntry(editedEntry(last, (entry) => ({ ...entry, at: '2027-01-01T00:00:00.000Z' })))),
    ),
  ),
  'the tail is cut off and the head of the whole stays': attack('cover', 'ledger-head-size-mismatch', () =>
    withEntries(good.entries.slice(0, last)),
  ),
  'the tail is cut off behind an older head of another length': attack('cover', 'ledger-head-size-mismatch', () =>
    withEntries(good.entries.slice(0, 20), headOf({ size: 10, head: good.entries[9]!.digest })),
  ),
  'entries are added behind the head': attack('cover', 'ledger-head-size-mismatch', () =>
    withEntries(good.entries, headOf({ size: last, head: good.entries[last - 1]!.digest })),
  ),
  'the head names the right size and another last entry': attack('cover', 'ledger-head-mismatch', () =>
    withEntries(good.entries, headOf({ head: good.entries[0]!.digest })),
  ),
  'the failed ledger comes with the head of the good one': attack('cover', 'ledger-head-mismatch', () =>
    withEntries(failed.entries),
  ),
  'the head is that of another run on the same host': attack('head', 'ledger-head-of-another-run', () =>
    withEntries(good.entries, otherRun.bundle.head),
  ),
  'the head is that of another host with the same key': attack('head', 'ledger-head-of-another-host', () =>
    withEntries(good.entries, otherHost.bundle.head),
  ),
  'all entries and the head are those of another run, and are told apart from ours by the digest of the chain': attack(
    'cover',
    'ledger-head-mismatch',
    () => withEntries(otherRun.entries, signHead({ ...good.headFacts, run: 'run-8' }, hostKey)),
  ),
  'the head is signed by another key': attack('envelope', 'signature-threshold-not-met', () =>
    withEntries(good.entries, signHead(good.headFacts, otherKey)),
  ),
  'the bundle brings the key that signed its head, which is not the one this host is known by': attack(
    'key',
    'ledger-host-key-mismatch',
    () => ({
      ...good.bundle,
      head: signHead(good.headFacts, otherKey),
      hostPublicKey: otherKey.publicKeyPem,
    }),
  ),
  'the head has two signatures, one of them good': attack('head', 'too-many-signatures', () =>
    withEntries(good.entries, addSignature(parseEnvelope(good.bundle.head), otherKey)),
  ),
  'the head is signed as a ruling': attack('head', 'predicate-type-mismatch', () =>
    withEntries(good.entries, statementHead({ predicateType: RULING_PREDICATE })),
  ),
  'the head is an envelope of another payload type': attack('envelope', 'payload-type-mismatch', () =>
    withEntries(good.entries, signEnvelope('application/json', parseEnvelope(good.bundle.head).payload, [hostKey])),
  ),
  'two heads are glued together': attack('envelope', 'envelope-malformed', () =>
    withEntries(good.entries, Buffer.concat([good.bundle.head, good.bundle.head])),
  ),
  'the head has two subjects': attack('head', 'ledger-head-malformed', () =>
    withEntries(
      good.entries,
      statementHead({ subject: ['iu-cutter-0.6', 'b'].map((name) => ({ name, digest: { sha256: sha256('tree') } })) }),
    ),
  ),
  'the head has a field that this version does not know': attack('head', 'ledger-head-malformed', () =>
    withEntries(good.entries, statementHead({ predicate: { verdict: 'A' } })),
  ),
  'the head covers no entry': attack('head', 'ledger-head-malformed', () =>
    withEntries([...good.entries], statementHead({ predicate: { size: 0 } })),
  ),
  'the head has a size of more digits than a ledger may have': attack('head', 'ledger-head-malformed', () =>
    withEntries(good.entries, statementHead({ predicate: { size: LIMITS.ledgerEntryCount + 1 } })),
  ),
  'the payload of the head is changed under its signature': attack('envelope', 'signature-threshold-not-met', () => {
    const envelope = JSON.parse(good.bundle.head.toString());
    const payload = Buffer.from(envelope.payload, 'base64').toString().replace('"run-7"', '"run-9"');
    return withEntries(
      good.entries,
      encodeCanonical({ ...envelope, payload: Buffer.from(payload).toString('base64') }),
    );
  }),
  'the head names another release as its subject': attack('release', 'ledger-release-mismatch', () =>
    withEntries(good.entries, headOf({ version: '0.7' })),
  ),
  'the head names another tree': attack('release', 'ledger-release-mismatch', () =>
    withEntries(good.entries, headOf({ treeDigest: sha256('x') })),
  ),
  'the head names another plan': attack('release', 'ledger-release-mismatch', () =>
    withEntries(good.entries, headOf({ planDigest: sha256('x') })),
  ),
  'the head names another policy': attack('release', 'ledger-release-mismatch', () =>
    withEntries(good.entries, headOf({ policyDigest: sha256('x') })),
  ),
  'an entry has a field that this version does not know': attack('entry', 'ledger-entry-malformed', () =>
    withEntries(
      good.entries.with(3, { bytes: editedEntry(3, (entry) => ({ ...entry, status: 'PASS' })) } as SealedEntry),
    ),
  ),
  'an entry is spelt in a second way': attack('entry', 'not-canonical-json', () =>
    withEntries(good.entries.with(3, { bytes: Buffer.from(`${good.entries[3]!.bytes} `) } as SealedEntry)),
  ),
  'an entry names a member twice': attack('entry', 'not-canonical-json', () =>
    withEntries(
      good.entries.with(3, {
        bytes: Buffer.from(good.entries[3]!.bytes.toString().replace('{', '{"at":"x",')),
      } as SealedEntry),
    ),
  ),
  'an entry is of another schema': attack('entry', 'ledger-entry-malformed', () =>
    withEntries(
      good.entries.with(3, {
        bytes: editedEntry(3, (entry) => ({ ...entry, schema: 'keyturn.ledger-entry/v2' })),
      } as SealedEntry),
    ),
  ),
  'an entry is larger than any may be': attack('entry', 'ledger-entry-too-large', () =>
    withEntries(good.entries.with(3, { bytes: Buffer.alloc(LIMITS.ledgerEntryBytes + 1, 0x20) } as SealedEntry)),
  ),
  'there are more entries than a ledger may have': attack('entry', 'ledger-too-long', () =>
    withEntries(Array.from({ length: LIMITS.ledgerEntryCount + 1 }, () => good.entries[0]!)),
  ),
  'the run was never admitted': attack('admission', 'ledger-not-admitted', () => resealed((bodies) => bodies.slice(1))),
  'the run is admitted a second time, with another policy': attack('admission', 'ledger-admitted-twice', () =>
    resealed((bodies) => [...bodies, { ...admission, policyDigest: sha256('other') }]),
  ),
  'the policy is another one than the host admitted': attack('digest', 'ledger-digest-mismatch', () => ({
    ...good.bundle,
    policy: ledgerFixture({ accept: [{ gate: 'G6', checkKind: 'dryrun', owner: 'x', route: 'y', maxAgeDays: 1 }] })
      .bundle.policy,
  })),
  'the plan is another one, with a check less': attack('digest', 'ledger-digest-mismatch', () => ({
    ...good.bundle,
    plan: ledgerFixture({ gates: [] }).bundle.plan,
  })),
  'the build record is another one': attack('digest', 'ledger-digest-mismatch', () => ({
    ...good.bundle,
    buildRecord: ledgerFixture({ results: { 'g1.source-tests': saw('better') } }).bundle.buildRecord,
  })),
  'the release statement is another one': attack('digest', 'ledger-digest-mismatch', () => ({
    ...good.bundle,
    statement: ledgerFixture({ gates: [] }).bundle.statement,
  })),
  'the host admitted a build record that the release does not name': attack(
    'release',
    'ledger-release-mismatch',
    () => {
      const { buildRecord } = ledgerFixture({ results: { 'g1.source-tests': saw('better') } }).bundle;
      return {
        ...resealed((bodies) => [{ ...admission, buildRecordDigest: sha256(buildRecord) }, ...bodies.slice(1)]),
        buildRecord,
      };
    },
  ),
  'the host admitted another tree than the release names': attack('release', 'ledger-release-mismatch', () =>
    resealed((bodies) => [{ ...admission, treeDigest: sha256('other tree') }, ...bodies.slice(1)]),
  ),
  'the host names the root folder as its install path, for people to remove': attack(
    'release',
    'ledger-release-mismatch',
    () => resealed((bodies) => [{ ...admission, installPath: '/' }, ...bodies.slice(1)]),
  ),
  'the host breaks the line of the rollback command by its root prefix': attack(
    'release',
    'ledger-release-mismatch',
    () =>
      resealed((bodies) => [{ ...admission, installPath: `/x\nrm -rf /${admission.installPath}` }, ...bodies.slice(1)]),
  ),
  'the host climbs out of its root prefix': attack('release', 'ledger-release-mismatch', () =>
    resealed((bodies) => [{ ...admission, installPath: `/x/..${admission.installPath}` }, ...bodies.slice(1)]),
  ),
  'the host names a path beside the planned one as its install path': attack('release', 'ledger-release-mismatch', () =>
    resealed((bodies) => [{ ...admission, installPath: '/opt/incomex/dot/iu-cutter' }, ...bodies.slice(1)]),
  ),
};

function attack(layer: Layer, code: string, bundle: () => LedgerBundle): Attack {
  return { layer, code, bundle };
}
