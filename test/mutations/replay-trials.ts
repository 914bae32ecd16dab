/** Genuine metadata where it does not belong: swapped, of the past, of somebody else. */
import { sha256 } from '../../shared/digest.ts';
import { listed, stampedByTheOwner, trialOf } from './chain-trials.ts';
import { fetchedFiles } from './file-trials.ts';
import { forgeChain, signedPartOf } from './forged-chain.ts';
import { directiveMessage } from './honest-answers.ts';
import { NEW_RUN } from './session-trials.ts';
import { pathOf, RELEASE_ROLE, type SignedRepository } from './signed-repository.ts';
import type { Trial } from './trial.ts';

export function replayTrials(repository: SignedRepository, stranger: SignedRepository): Trial[] {
  return [
    ...swappedFiles(repository),
    ...replays(repository),
    ...withdrawn(repository),
    ...strangersFiles(repository, stranger),
  ];
}

/** Each file under the name of each other. */
function swappedFiles(repository: SignedRepository): Trial[] {
  const files = fetchedFiles(repository);
  return files.flatMap(({ label, name }) =>
    files
      .filter((other) => other.label !== label)
      .map((other) =>
        trialOf(repository, {
          carrier: 'swapped',
          field: `${label}: whole`,
          mutation: `the ${other.label}`,
          files: new Map([[name, other.bytes]]),
        }),
      ),
  );
}

/** Genuine files of the past, to a host that knows no better; old timestamps also to one that does. */
function replays(repository: SignedRepository): Trial[] {
  const { files, timestamps } = repository;
  const replay = (label: string, name: string, { mutation, bytes }: { mutation: string; bytes: Buffer }) =>
    trialOf(repository, {
      carrier: 'replayed',
      field: `${label}: whole`,
      mutation,
      files: new Map([[name, bytes]]),
    });
  const older = (label: string, role: string, { newest }: { newest: number }) =>
    Array.from({ length: newest - 1 }, (_, index) =>
      replay(label, `${newest}.${role}.json`, {
        mutation: `number ${index + 1}`,
        bytes: files.get(`${index + 1}.${role}.json`) as Buffer,
      }),
    );
  const stamps = timestamps
    .slice(0, 2)
    .map((bytes, index) => replay('timestamp', 'timestamp.json', { mutation: `number ${index + 1}`, bytes }));
  return [
    ...older('root', 'root', { newest: 2 }),
    ...older('snapshot', 'snapshot', { newest: 3 }),
    ...older('targets', 'targets', { newest: 2 }),
    ...older('release role', RELEASE_ROLE, { newest: 3 }),
    ...[
      ...stamps,
      ...stampedByTheOwner(repository).filter(({ mutation }) => mutation.startsWith('the snapshot')),
    ].flatMap((trial) => [
      trial,
      { ...trial, from: 'informed' as const, mutation: `${trial.mutation}, to a host that knows newer` },
    ]),
  ];
}

/** The release as it was before it was withdrawn, to a host that has heard of that. */
function withdrawn(repository: SignedRepository): Trial[] {
  const trial = (mutation: string, files: Map<string, Buffer>): Trial => ({
    ...trialOf(repository, { carrier: 'withdrawn', field: 'release role: whole', mutation, files }),
    from: 'warned',
  });
  const file = (name: string) => repository.files.get(name) as Buffer;
  const stamped = (snapshot: Buffer, version: number) => {
    const meta = { 'snapshot.json': { ...listed(snapshot), version } };
    const signed = { ...signedPartOf(repository, 'timestamp'), version: 9, meta };
    return forgeChain(repository, { role: 'timestamp', signed, forgery: 'the timestamp key' });
  };
  const snapshot = { ...signedPartOf(repository, 'snapshot'), version: 9 };
  const later = forgeChain(repository, { role: 'snapshot', signed: snapshot, forgery: 'the right keys' });
  return [
    trial('everything of the generation before', new Map()),
    trial('under a newer timestamp', stamped(file('3.snapshot.json'), 3)),
    trial(
      'under a newer timestamp and a newer snapshot',
      new Map([...later, ...stamped(later.get('9.snapshot.json') as Buffer, 9)]),
    ),
    trial(
      'under the name of the newest',
      new Map([...stamped(file('4.snapshot.json'), 4), [`4.${RELEASE_ROLE}.json`, file(`3.${RELEASE_ROLE}.json`)]]),
    ),
    trial('with the root of the enrolment', new Map([['3.root.json', file('1.root.json')]])),
  ];
}

function fileOf({ name, bytes }: { name: string; bytes: Buffer }): readonly [string, Buffer] {
  return [name, bytes];
}

/** Another repository, sound in itself: its files one by one, all at once, and its release by its own name. */
function strangersFiles(repository: SignedRepository, stranger: SignedRepository): Trial[] {
  const theirs = fetchedFiles(stranger);
  const ours = fetchedFiles(repository);
  const oneByOne = ours.map(({ label, name }, index) =>
    trialOf(repository, {
      carrier: 'of a stranger',
      field: `${label}: whole`,
      mutation: 'alone',
      files: new Map([[name, theirs[index]?.bytes ?? Buffer.alloc(0)]]),
    }),
  );
  const from = ours.map(({ label }, index) =>
    trialOf(repository, {
      carrier: 'of a stranger',
      field: `${label}: whole`,
      mutation: 'with everything behind it',
      files: new Map([
        ...theirs.slice(index).map(fileOf),
        ...theirs.slice(index).map(({ bytes }, at) => [ours[index + at]?.name ?? '', bytes] as const),
      ]),
    }),
  );
  const statement = stranger.newest.statementBytes;
  const named = from.map((trial): Trial => {
    const deploy = { runId: NEW_RUN, targetPath: pathOf(stranger.newest), statementSha256: sha256(statement) };
    return {
      ...trial,
      mutation: 'with everything behind it, by its own name',
      say: (seq) => [directiveMessage(seq, { kind: 'deploy', deploy })],
    };
  });
  return [...oneByOne, ...from, ...named];
}
