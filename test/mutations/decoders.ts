/** Every decoder of bytes that a host has from somebody else, with a document that it takes. */
import { encodeCanonical } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { parseEntry, sealEntry } from '../../shared/ledger/entry.ts';
import type { Evidence } from '../../shared/ledger/evidence.ts';
import { parseBuildRecord } from '../../shared/release/build-record.ts';
import { parseManifest } from '../../shared/release/manifest.ts';
import { parsePlan } from '../../shared/release/plan.ts';
import { parseReleaseStatement } from '../../shared/release/release-statement.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import { encodeEnrolmentBundle, parseEnrolmentBundle } from '../../shared/rpc/enrolment-bundle.ts';
import { parseEnvelope, signEnvelope } from '../../shared/trust/dsse.ts';
import { generateKey } from '../../shared/trust/keys.ts';
import { parsePolicy } from '../../shared/trust/policy.ts';
import { checkMetadata } from '../../shared/trust/tuf-rules.ts';
import { fetchedFiles } from './file-trials.ts';
import { deployOf, NEW_RUN, REPORT } from './session-trials.ts';
import type { SignedRepository } from './signed-repository.ts';

export interface Decoder {
  readonly name: string;
  readonly decode: (bytes: Buffer) => unknown;
  /** Of a decoder that takes one spelling only: its result back into bytes. */
  readonly encode?: (decoded: never) => Uint8Array;
  readonly format: 'json' | 'protobuf';
  readonly samples: readonly Buffer[];
}

export function decodersOf(repository: SignedRepository): Decoder[] {
  const { newest, blobs } = repository;
  const blobOf = ({ sha256: digest }: { sha256: string }) => blobs.get(digest) as Buffer;
  const { statement } = newest;
  const files = new Map(fetchedFiles(repository).map(({ label, bytes }) => [label, bytes]));
  const fileOf = (label: string) => files.get(label) as Buffer;
  const canonical = (name: string, decode: Decoder['decode'], sample: Buffer): Decoder => ({
    name,
    decode,
    encode: encodeCanonical,
    format: 'json',
    samples: [sample],
  });
  const loose = (name: string, decode: Decoder['decode'], sample: Buffer): Decoder => ({
    name,
    decode,
    format: 'json',
    samples: [sample],
  });
  const metadata = (role: string, label: string) =>
    loose(`checkMetadata of ${role}`, (bytes) => checkMetadata(role, bytes), fileOf(label));
  return [
    canonical('parseManifest', parseManifest, blobOf(statement.manifest)),
    canonical('parsePlan', parsePlan, blobOf(statement.plan)),
    canonical('parseBuildRecord', parseBuildRecord, blobOf(statement.buildRecord)),
    canonical('parseReleaseStatement', parseReleaseStatement, newest.statementBytes),
    canonical('parseEntry', (bytes) => parseEntry(bytes).entry, entrySample()),
    loose('parsePolicy', parsePolicy, fileOf('policy')),
    loose('parseEnvelope', parseEnvelope, signEnvelope('application/x-test', Buffer.from('{}'), [generateKey()])),
    loose('parseEnrolmentBundle', parseEnrolmentBundle, bundleSample(repository)),
    metadata('root', 'root'),
    metadata('timestamp', 'timestamp'),
    metadata('snapshot', 'snapshot'),
    metadata('targets', 'targets'),
    metadata('release-cutter', 'release role'),
    {
      name: 'directiveCodec.decode',
      decode: directiveCodec.decode,
      format: 'protobuf',
      samples: [deployOf(repository, NEW_RUN), REPORT].map((directive) => directiveCodec.encode(directive)),
    },
  ];
}

function entrySample(): Buffer {
  const evidence: Evidence = {
    check: 'unit',
    gate: 'G5',
    kind: 'exec',
    startedAt: '2026-05-21T10:00:00.000Z',
    durationMs: 7,
    result: { did: 'observe', observation: { exit: 0, lines: ['one', 'two'] } },
  };
  const context = { run: NEW_RUN, host: 'devhost-1', at: '2026-05-21T10:00:00.000Z' };
  return sealEntry(undefined, context, { type: 'check-recorded', evidence }).bytes;
}

function bundleSample({ baseline }: SignedRepository): Buffer {
  return encodeEnrolmentBundle({
    schema: 'keyturn.enrolment/v1',
    host: 'devhost-1',
    addresses: { join: '127.0.0.1:1', gateway: '127.0.0.1:2' },
    caCertificate: `-----BEGIN CERTIFICATE-----\n${sha256('ca')}\n-----END CERTIFICATE-----\n`,
    token: 'a'.repeat(43),
    trust: Object.fromEntries(baseline),
  });
}
