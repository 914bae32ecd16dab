/** Mutations of what is fetched by name: each message that carries a file, and each member of each signed document. */
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { POLICY_PATH } from '../../shared/trust/tuf-metadata.ts';
import { collected } from '../support/rejection-of.ts';
import { mutatedMessages } from './carriers.ts';
import { directiveMessage, encodeMessage, metadataPieces } from './honest-answers.ts';
import { documentMutations } from './json-mutations.ts';
import { DEPLOYS, deployOf, NEW_RUN, otherPayloads } from './session-trials.ts';
import { pathOf, RELEASE_ROLE, type SignedRepository, storedName } from './signed-repository.ts';
import type { Trial } from './trial.ts';

type Answer = () => AsyncIterable<Buffer>;

/** The files of an honest deploy, in the order in which they are asked for. */
export function fetchedFiles(repository: SignedRepository): { label: string; name: string; bytes: Buffer }[] {
  const file = (label: string, name: string) => ({ label, name, bytes: repository.files.get(name) as Buffer });
  const policy = [...repository.files].findLast(([name]) => name.endsWith(POLICY_PATH))?.[0] ?? '';
  return [
    file('root', '2.root.json'),
    file('timestamp', 'timestamp.json'),
    file('snapshot', '3.snapshot.json'),
    file('targets', '2.targets.json'),
    file('release role', `3.${RELEASE_ROLE}.json`),
    file('statement', storedName(pathOf(repository.newest), repository.newest.statementBytes)),
    file('policy', policy),
  ];
}

/** A deploy in which one file is answered otherwise. */
export function withFile(
  repository: SignedRepository,
  { name, answer }: { name: string; answer: Answer },
): Pick<Trial, 'answers' | 'say' | 'from' | 'isAsHonest' | 'directiveCount'> {
  return withFiles(repository, new Map([[name, answer]]));
}

export function withFiles(
  repository: SignedRepository,
  files: ReadonlyMap<string, Answer>,
): Pick<Trial, 'answers' | 'say' | 'from' | 'isAsHonest' | 'directiveCount'> {
  const honest = (name: string) => {
    const bytes = repository.files.get(name);
    if (bytes === undefined) throw new RejectedError('metadata-not-found', `no file "${name}"`);
    return metadataPieces(bytes);
  };
  return {
    ...DEPLOYS,
    answers: { metadata: (name) => (files.get(name) ?? (() => honest(name)))() },
    say: (seq) => [directiveMessage(seq, deployOf(repository, NEW_RUN))],
  };
}

export function pieceTrials(repository: SignedRepository): Trial[] {
  return fetchedFiles(repository).flatMap(({ label, name, bytes }) => {
    const trial = (field: string, mutation: string, answer: Answer): Trial => ({
      carrier: `pieces of the ${label}`,
      field,
      mutation,
      ...withFile(repository, { name, answer }),
    });
    const first = encodeMessage('MetadataPiece', { data: bytes.subarray(0, 400) });
    const inFirst = mutatedMessages({ name: 'MetadataPiece', bytes: first }, otherPayloads(repository))
      .filter((mutated) => !mutated.bytes.equals(first))
      // What is around the field is the same for every file: the first one stands for all.
      .filter(({ field }) => label === 'root' || field === 'MetadataPiece.data')
      .map(({ field, mutation, bytes: mutated }) =>
        trial(field, mutation, async function* () {
          yield mutated;
          yield* metadataPieces(bytes.subarray(400));
        }),
      );
    const ofStream = streamMutations(bytes).map(([mutation, answer]) =>
      trial('MetadataPiece stream', mutation, answer),
    );
    return [...inFirst, ...ofStream];
  });
}

function streamMutations(bytes: Buffer): [string, Answer][] {
  const pieces = () => collected(metadataPieces(bytes));
  const change = (edit: (all: Buffer[]) => Buffer[]): Answer =>
    async function* () {
      yield* edit(await pieces());
    };
  const nothing = encodeMessage('MetadataPiece', { data: Buffer.alloc(0) });
  const failing = (error: Error): Answer =>
    async function* () {
      yield (await pieces())[0] as Buffer;
      throw error;
    };
  return [
    ['no piece', change(() => [])],
    ['the first piece left out', change((all) => all.slice(1))],
    ['the last piece left out', change((all) => all.slice(0, -1))],
    ['the first piece twice', change((all) => [all[0] as Buffer, ...all])],
    ['in reverse', change((all) => (all.length > 1 ? all.toReversed() : [nothing]))],
    ['everything twice', change((all) => [...all, ...all])],
    ['an empty piece between', change((all) => all.flatMap((piece) => [piece, nothing]))],
    [
      'a line end in a piece behind',
      change((all) => [...all, encodeMessage('MetadataPiece', { data: Buffer.from('\n') })]),
    ],
    ['breaks off as if the file were not there', failing(new RejectedError('metadata-not-found', 'no such file'))],
    ['breaks off', failing(new TransientError('try again'))],
    ['is refused', failing(new RejectedError('host-revoked', 'go away'))],
    ['without an end', endless],
  ];
}

/** Whoever reads this has to stop by himself. */
async function* endless(): AsyncGenerator<Buffer> {
  const piece = encodeMessage('MetadataPiece', { data: Buffer.alloc(64 * 1024, 0x20) });
  for (;;) yield piece;
}

/** Every member of every signed document, altered behind its signatures and digests. */
export function memberTrials(repository: SignedRepository): Trial[] {
  // Over these two stands a signature alone, and no digest of their bytes.
  const isSignedOnly = (label: string) => label === 'root' || label === 'timestamp';
  return fetchedFiles(repository).flatMap(({ label, name, bytes }) =>
    documentMutations(bytes, isSignedOnly(label) ? 'thorough' : 'in-turn').map(
      ({ member, mutation, bytes: mutated }): Trial => ({
        carrier: 'member',
        field: `${label}: ${member}`,
        mutation,
        ...withFile(repository, { name, answer: () => metadataPieces(mutated) }),
      }),
    ),
  );
}
