/** Mutations of blobs: of the messages that carry them, of their order, and of each member of each signed document. */
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { manifestFiles } from '../../shared/release/manifest.ts';
import type { ContentWant } from '../../shared/rpc/generated/messages.ts';
import { collected } from '../support/rejection-of.ts';
import { mutatedMessages } from './carriers.ts';
import { flipBit } from './field-mutations.ts';
import { directiveMessage, encodeMessage, parcel, parcelsOf } from './honest-answers.ts';
import { documentMutations } from './json-mutations.ts';
import { DEPLOYS, deployOf, NEW_RUN, otherPayloads } from './session-trials.ts';
import type { SignedRepository } from './signed-repository.ts';
import type { Trial } from './trial.ts';

/** The messages for all that is wanted, of which want number `index` is one. */
type Change = (honest: Buffer[], of: { pieces: number[]; index: number }) => Buffer[] | AsyncIterable<Buffer>;

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
      trialOf(repository, { blob, field: 'ContentParcel stream', mutation, change }),
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
        change: (all, { pieces, index }) => [...all.slice(0, pieces[0]), parcel(index, bytes)],
      }),
      carrier: 'member',
    }));
  });
}

function messageTrials(repository: SignedRepository, blob: Blob): Trial[] {
  const bytes = repository.blobs.get(blob.digest) as Buffer;
  const others = otherPayloads(repository);
  // Which number the want has in its request is known only when it comes: the mutations are made again then.
  const mutationsOf = (message: Buffer, only?: { field: string; mutation: string }) =>
    mutatedMessages({ name: 'ContentParcel', bytes: message, ...(only && { only }) }, others);
  const first = parcel(0, bytes.subarray(0, 5000));
  return (
    mutationsOf(first)
      .filter((mutated) => !mutated.bytes.equals(first))
      // What is around the content is the same for every blob: one that is kept in memory, one that is written stand for all.
      .filter(({ field }) => field === 'ContentParcel.plain' || ['plan', 'table'].includes(blob.label))
      .map(({ field, mutation }) =>
        trialOf(repository, {
          blob,
          field,
          mutation,
          change: (all, { pieces }) => {
            const at = pieces[0] as number;
            const [same] = mutationsOf(all[at] as Buffer, { field, mutation });
            return all.with(at, same?.bytes as Buffer);
          },
        }),
      )
  );
}

function streamMutations({ newest, blobs }: SignedRepository): [string, Change][] {
  const archive = newest.statement.archive.sha256;
  const unasked = parcel(1_000_000, blobs.get(archive) ?? Buffer.alloc(1));
  const nothing = encodeMessage('ContentParcel', { slices: [], plain: Buffer.alloc(0) });
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
    ['an empty parcel in front', (all) => [nothing, ...all]],
    ['an empty parcel behind', (all) => [...all, nothing]],
    ['a blob in front that nobody asked for', (all) => [unasked, ...all]],
    ['a blob behind that nobody asked for', (all) => [...all, unasked]],
    [
      'one byte differs in its last piece',
      (all, { pieces }) => all.with(pieces.at(-1) as number, lastByteFlipped(all, pieces)),
    ],
    ['without an end', (_all, { index }) => endless(index)],
    ['empty parcels without an end until it is cut', (all) => [...Array(500).fill(nothing), ...all.slice(0, -1)]],
    ['breaks off', failing(new TransientError('try again'))],
    ['is refused', failing(new RejectedError('blob-not-found', 'no such blob'))],
    ['is refused as if the host were revoked', failing(new RejectedError('host-revoked', 'go away'))],
  ];
}

function lastByteFlipped(all: readonly Buffer[], pieces: readonly number[]): Buffer {
  const piece = all[pieces.at(-1) as number] as Buffer;
  return flipBit(piece, piece.length - 1);
}

async function* endless(index: number): AsyncGenerator<Buffer> {
  for (;;) yield parcel(index, Buffer.alloc(65_536, 0x78));
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
      content: async function* (wants: readonly ContentWant[]) {
        const perWant = await Promise.all(
          wants.map((want, index) => collected(parcelsOf(want, { index, bytes: bytesOf(want.sha256) }))),
        );
        const all = perWant.flat();
        const at = wants.findIndex((want) => want.sha256 === blob.digest);
        if (at < 0) return yield* all;
        const from = perWant.slice(0, at).flat().length;
        const pieces = (perWant[at] as Buffer[]).map((_, index) => from + index);
        yield* change(all, { pieces, index: at });
      },
    },
    say: (seq) => [directiveMessage(seq, deployOf(repository, NEW_RUN))],
  };
}
