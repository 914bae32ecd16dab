/** From evidence and blobs to the signed-for documents, and to the bundle. */
import { createReadStream } from 'node:fs';
import { canonicalText } from '../../shared/canonical-json.ts';
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { plannedChecks } from '../../shared/ledger/planned-checks.ts';
import { type BuildRecord, encodeBuildRecord } from '../../shared/release/build-record.ts';
import { encodeKtr, openKtr, type ReadableBlob, readKtrRelease } from '../../shared/release/ktr.ts';
import { encodeManifest, type Manifest, manifestFiles, manifestTreeDigest } from '../../shared/release/manifest.ts';
import { encodePlan, type Plan } from '../../shared/release/plan.ts';
import {
  encodeReleaseStatement,
  installationName,
  parseReleaseStatement,
  type ReleaseStatement,
} from '../../shared/release/release-statement.ts';
import type { ScratchBlobs } from '../../shared/store/scratch-blobs.ts';
import type { ScratchFolder } from '../../shared/store/scratch-folder.ts';
import { writeStreamAtomic } from '../../shared/store/stream-file.ts';
import { ARCHIVE_FILE, type Digested } from './artifact.ts';
import type { BuildEvidence, BuildSummary } from './build-checks.ts';
import { encodeProvenance } from './provenance.ts';
import type { ReadConfig } from './read-config.ts';
import type { SourceCommit } from './repository.ts';

export interface BuiltRelease {
  readonly statement: ReleaseStatement;
  /** What the release engineers sign for: its digest stands in TUF. */
  readonly statementBytes: Buffer;
  /** Every blob of the release, the statement too, as it stands in the bundle. */
  readonly blobs: ReadonlyMap<Sha256, ReadableBlob>;
  readonly plan: Plan;
  readonly manifest: Manifest;
  readonly buildRecord: BuildRecord;
  /** Absolute. */
  readonly ktrPath: string;
  readonly summary: BuildSummary;
}

export interface ReleaseParts {
  readonly source: SourceCommit;
  readonly config: ReadConfig;
  readonly plan: Plan;
  readonly manifest: Manifest;
  readonly archive: Digested;
  readonly evidence: BuildEvidence;
  readonly scratch: ScratchFolder;
  readonly contents: ScratchBlobs;
  readonly builderVersion: Readonly<Record<string, string>>;
  readonly out: string;
}

/** Writes the bundle, opens it again, and gives what was read. Errors: `TransientError` when the disk refuses. */
export async function assembleRelease(parts: ReleaseParts): Promise<BuiltRelease> {
  const { plan, manifest, evidence, scratch, contents, out } = parts;
  const documents = encodeDocuments(parts);
  const statement = documents.statement;
  assertEvidenceIsAsPlanned(statement.bytes, parts);
  const blobs = new Map<Sha256, ReadableBlob>([
    ...documents.all.map((bytes) => [sha256(bytes), { size: bytes.length, open: () => asComing([bytes]) }] as const),
    [parts.archive.sha256, onDisk(scratch.at(ARCHIVE_FILE), parts.archive.size)],
    ...manifestFiles(manifest).map(
      ({ sha256: digest, size }) => [digest, { size, open: () => asComing(contents.pieces(digest)) }] as const,
    ),
  ]);
  await writeStreamAtomic(out, encodeKtr(sha256(statement.bytes), blobs));
  const ktr = await openKtr(out);
  const { buildRecord, statementBytes } = await readKtrRelease(ktr);
  return {
    statement: statement.value,
    statementBytes,
    blobs: ktr.blobs,
    plan,
    manifest,
    buildRecord,
    ktrPath: out,
    summary: evidence.summary(),
  };
}

interface Documents {
  readonly statement: { readonly value: ReleaseStatement; readonly bytes: Buffer };
  readonly all: readonly Buffer[];
}

function encodeDocuments({
  source,
  config,
  plan,
  manifest,
  archive,
  evidence,
  builderVersion,
}: ReleaseParts): Documents {
  const name = `${installationName(plan.app, plan.version)}.tar.gz`;
  const manifestBytes = encodeManifest(manifest);
  const planBytes = encodePlan(plan);
  const recordBytes = encodeBuildRecord(evidence.record());
  const provenanceBytes = encodeProvenance({
    source,
    archive: { name, sha256: archive.sha256 },
    config,
    builderVersion,
  });
  const value: ReleaseStatement = {
    schema: 'keyturn.release/v1',
    app: plan.app,
    version: plan.version,
    commit: source.commit,
    treeDigest: manifestTreeDigest(manifest),
    manifest: referenceOf(manifestBytes),
    plan: referenceOf(planBytes),
    buildRecord: referenceOf(recordBytes),
    provenance: referenceOf(provenanceBytes),
    archive: { ...archive, name },
  };
  const bytes = encodeReleaseStatement(value);
  return { statement: { value, bytes }, all: [bytes, manifestBytes, planBytes, recordBytes, provenanceBytes] };
}

function referenceOf(bytes: Buffer): { sha256: Sha256; size: number } {
  return { sha256: sha256(bytes), size: bytes.length };
}

/**
 * Every reader of a ledger computes from the signed release which evidence it needs, with which parameters; a build that
 * collected other evidence is a mistake of this program.
 */
function assertEvidenceIsAsPlanned(statementBytes: Buffer, { plan, evidence }: ReleaseParts): void {
  const statement = parseReleaseStatement(statementBytes);
  const planned = plannedChecks({ statement, plan, statementDigest: sha256(statementBytes) })
    .filter(({ seenBy }) => seenBy === 'build')
    // Where no tests are declared there is nothing to see; the host records the gap.
    .filter(({ kind }) => kind !== 'source-tests' || plan.tests !== undefined)
    .map(({ id, gate, kind, params }) => ({ id, gate, kind, params }));
  const seen = evidence.summary().checks.map(({ id, gate, kind, params }) => ({ id, gate, kind, params }));
  const sorted = (rows: readonly { id: string }[]): string =>
    canonicalText(rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  if (sorted(planned) !== sorted(seen))
    throw new Error(`the build saw ${sorted(seen)}, the plan needs ${sorted(planned)}`);
}

async function* asComing(pieces: Iterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield* pieces;
}

function onDisk(path: string, size: number): ReadableBlob {
  return { size, open: () => createReadStream(path) };
}
