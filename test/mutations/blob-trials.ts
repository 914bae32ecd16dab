/** Mutations of blobs: of the messages that carry them, of their order, and of each member of each signed document. */
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { manifestFiles } from '../../shared/release/manifest.ts';
import type { BlobWant } from '../../shared/rpc/generated/messages.ts';
import { collected } from '../support/rejection-of.ts';
import { mutatedMessages } from './carriers.ts';
import { flipBit } from './field-mutations.ts';
import { blobPieces, directiveMessage, encodeMessage } from './honest-answers.ts';
import { documentMutations } from './json-mutations.ts';
import { DEPLOYS, deployOf, NEW_RUN, otherPayloads } from './session-trials.ts';
import type { SignedRepository } from './signed-repository.ts';
import type { Trial } from './trial.ts';

/** The messages for all that is wanted, of which `target` is one. */
type Change = (honest: Buffer[], of: { pieces: number[]; want: BlobWant }) => Buffer[] | AsyncIterable<Buffer>;

interface Blob {
  readonly label: string;
  readonly digest: Sha256;
}

/** What is fetched at the admission, then the release's largest file, which comes in several pieces. */
function fetchedBlobs({ newest }: SignedRepository): { materials: Blob[]; table: Blob } {
  const { manifest, plan, buildRecord } = newest.statement;
  const table = manifestFiles(newest.manifest).find(({ path }) => path === 'cutter/table.txt')?.sha256 ?? '';
  return {
    materials: [
      { label: 'manifest', digest: manifest.sha256 },
      { label: 'plan', digest: plan.sha256 },
      { label: 'build record', digest: buildRecord.sha256 },
    ],
    table: { label: 'table', digest: table },
  };
}

export function blobTrials(repository: SignedRepository): Trial[] {
  const { materials, table } = fetchedBlobs(repository);
  return [...materials, table].flatMap((blob) => [
    ...messageTrials(repository, blob),
    ...streamMutations(repository).map(([mutation, change]) =>
      trialOf(repository, { blob, field: 'BlobPiece stream', mutation, change }),
    ),
  ]);
}

/** Every member of manifest, plan and build record, altered behind its digest. */
export function materialTrials(repository: SignedRepository): Trial[] {
  return fetchedBlobs(repository).materials.flatMap((blob) => {
    const honest = repository.blobs.get(blob.digest) as Buffer;
    return documentMutations(honest, 'in-turn').map(({ member, mutation, bytes }) => ({
      ...trialOf(repository, {
        blob,
        field: `${blob.label}: ${member}`,
        mutation,
        change: (all, { pieces, want }) => [
          ...all.slice(0, pieces[0]),
          encodeMessage('BlobPiece', { sha256: want.sha256, offset: 0, data: bytes }),
        ],
      }),
      carrier: 'member',
    }));
  });
}

function messageTrials(repository: SignedRepository, blob: Blob): Trial[] {
  const bytes = repository.blobs.get(blob.digest) as Buffer;
  const first = encodeMessage('BlobPiece', { sha256: blob.digest, offset: 0, data: bytes.subarray(0, 5000) });
  return (
    mutatedMessages({ name: 'BlobPiece', bytes: first }, otherPayloads(repository))
      .filter((mutated) => !mutated.bytes.equals(first))
      // What is around the content is the same for every blob: one that is kept in memory, one that is written stand for all.
      .filter(({ field }) => field === 'BlobPiece.data' || ['plan', 'table'].includes(blob.label))
      .map(({ field, mutation, bytes: mutated }) =>
        trialOf(repository, {
          blob,
          field,
          mutation,
          change: (all, { pieces }) => all.with(pieces[0] as number, mutated),
        }),
      )
  );
}

function streamMutations({ newest, blobs }: SignedRepository): [string, Change][] {
  const archive = newest.statement.archive.sha256;
  const unasked = encodeMessage('BlobPiece', {
    sha256: archive,
    offset: 0,
    data: blobs.get(archive) ?? Buffer.alloc(1),
  });
  const nothing = (want: BlobWant) =>
    encodeMessage('BlobPiece', { sha256: want.sha256, offset: 0, data: Buffer.alloc(0) });
  const failing = (error: Error): Change =>
    async function* (all, { pieces }) {
      yield* all.slice(0, pieces[0]);
      throw error;
    };
  return [
    ['nothing at all', () => []],
    ['left out', (all, { pieces }) => all.filter((_, index) => !pieces.includes(index))],
    ['without its first piece', (all, { pieces }) => all.toSpliced(pieces[0] as number, 1)],
    ['without its last piece', (all, { pieces }) => all.toSpliced(pieces.at(-1) as number, 1)],
    [
      'its first piece twice',
      (all, { pieces }) => all.toSpliced(pieces[0] as number, 0, all[pieces[0] as number] as Buffer),
    ],
    [
      'its last piece twice',
      (all, { pieces }) => all.toSpliced(pieces.at(-1) as number, 0, all[pieces.at(-1) as number] as Buffer),
    ],
    ['all pieces in reverse', (all) => (all.length > 1 ? all.toReversed() : [])],
    ['everything twice', (all) => [...all, ...all]],
    ['an empty piece in front', (all, { want }) => [nothing(want), ...all]],
    ['an empty piece behind', (all, { want }) => [...all, nothing(want)]],
    ['a blob in front that nobody asked for', (all) => [unasked, ...all]],
    ['a blob behind that nobody asked for', (all) => [...all, unasked]],
    [
      'one byte differs in its last piece',
      (all, { pieces }) => all.with(pieces.at(-1) as number, lastByteFlipped(all, pieces)),
    ],
    ['without an end', (_all, { want }) => endless(want)],
    [
      'empty pieces without an end until it is cut',
      (all, { want }) => [...Array(500).fill(nothing(want)), ...all.slice(0, -1)],
    ],
    ['breaks off', failing(new TransientError('try again'))],
    ['is refused', failing(new RejectedError('blob-not-found', 'no such blob'))],
    ['is refused as if the host were revoked', failing(new RejectedError('host-revoked', 'go away'))],
  ];
}

function lastByteFlipped(all: readonly Buffer[], pieces: readonly number[]): Buffer {
  const piece = all[pieces.at(-1) as number] as Buffer;
  return flipBit(piece, piece.length - 1);
}

async function* endless({ sha256: digest }: BlobWant): AsyncGenerator<Buffer> {
  for (let offset = 0; ; offset += 65_536) {
    yield encodeMessage('BlobPiece', { sha256: digest, offset, data: Buffer.alloc(65_536, 0x78) });
  }
}

function trialOf(
  repository: SignedRepository,
  { blob, field, mutation, change }: { blob: Blob; field: string; mutation: string; change: Change },
): Trial {
  const bytesOf = (digest: string) => repository.blobs.get(digest) as Buffer;
  return {
    carrier: `blob of the ${blob.label}`,
    field,
    mutation,
    ...DEPLOYS,
    answers: {
      blobs: async function* (wants) {
        const perWant = await Promise.all(wants.map((want) => collected(blobPieces(want, bytesOf(want.sha256)))));
        const all = perWant.flat();
        const at = wants.findIndex((want) => want.sha256 === blob.digest);
        if (at < 0) return yield* all;
        const from = perWant.slice(0, at).flat().length;
        const pieces = (perWant[at] as Buffer[]).map((_, index) => from + index);
        yield* change(all, { pieces, want: wants[at] as BlobWant });
      },
    },
    say: (seq) => [directiveMessage(seq, deployOf(repository, NEW_RUN))],
  };
}
