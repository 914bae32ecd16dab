/** Key rotation: which keys are named, how many are needed, which sign. Keys are numbers. */
import { newTestKey, type TestKey } from '../../../support/tuf-keys.ts';
import type { TufRepository } from '../../../support/tuf-repository.ts';
import type { Stories, Story } from './story.ts';

type KeyState = { readonly keys: readonly number[]; readonly threshold: number; readonly sigs: readonly number[] };

const KEYS: readonly TestKey[] = Array.from({ length: 10 }, () => newTestKey());
const FIVE = [0, 1, 2, 3, 4];

function setKeys(repository: TufRepository, role: string, { keys, threshold, sigs }: KeyState): void {
  repository.root.roles[role] = { keyids: [], threshold };
  const byNumber = (number: number) => KEYS[number] ?? newTestKey();
  for (const number of keys) repository.allowKey(role, byNumber(number));
  repository.signers.set(role, sigs.map(byNumber));
}

/** Publishes each root in turn; the client starts from the first and ends at version `last`. */
function rootStory(states: readonly KeyState[], last: number): Story {
  return {
    given: (repository) => {
      repository.unpublish('root');
      for (const state of states) {
        setKeys(repository, 'root', state);
        repository.publish('root');
      }
    },
    steps: [
      last === states.length
        ? { exit: 0, trusted: `root ${last}, snapshot 1, targets 1, timestamp 1` }
        : { exit: 1, trusted: `root ${last}` },
    ],
  };
}

export const rootRotationStories: Stories = {
  'one key for another, signed by both': rootStory(
    [
      { keys: [1], threshold: 1, sigs: [1] },
      { keys: [2], threshold: 1, sigs: [2, 1] },
      { keys: [2], threshold: 1, sigs: [2] },
    ],
    3,
  ),
  'signatures of strangers beside the needed ones do no harm': rootStory(
    [
      { keys: [1], threshold: 1, sigs: [3, 1, 4] },
      { keys: [2], threshold: 1, sigs: [3, 2, 1, 4] },
      { keys: [2], threshold: 1, sigs: [3, 2, 4] },
    ],
    3,
  ),
  'three of five in any combination': rootStory(
    [
      { keys: FIVE, threshold: 3, sigs: [0, 2, 4] },
      { keys: FIVE, threshold: 3, sigs: [0, 4, 1] },
      { keys: FIVE, threshold: 3, sigs: [0, 1, 3] },
      { keys: FIVE, threshold: 3, sigs: [0, 1, 3] },
    ],
    4,
  ),
  'one of five keys is exchanged': rootStory(
    [
      { keys: FIVE, threshold: 3, sigs: [0, 2, 4] },
      { keys: [0, 1, 3, 4, 5], threshold: 3, sigs: [0, 4, 1] },
    ],
    2,
  ),
  'one of five keys is exchanged, and the new one signs at once': rootStory(
    [
      { keys: FIVE, threshold: 3, sigs: [0, 2, 4] },
      { keys: [0, 1, 3, 4, 5], threshold: 3, sigs: [0, 2, 4, 5] },
      { keys: [0, 1, 3, 4, 5], threshold: 3, sigs: [0, 4, 5] },
    ],
    3,
  ),
  'all five keys are exchanged, signed by three old and three new': rootStory(
    [
      { keys: FIVE, threshold: 3, sigs: [0, 2, 4] },
      { keys: [5, 6, 7, 8, 9], threshold: 3, sigs: [0, 2, 4, 5, 6, 7] },
      { keys: [5, 6, 7, 8, 9], threshold: 3, sigs: [5, 6, 7] },
    ],
    3,
  ),
  'the threshold goes up': rootStory(
    [
      { keys: [1, 2, 3], threshold: 1, sigs: [1] },
      { keys: [1, 2, 3], threshold: 2, sigs: [1, 2] },
    ],
    2,
  ),
  'the threshold goes down': rootStory(
    [
      { keys: [1, 2, 3], threshold: 2, sigs: [1, 2] },
      { keys: [1, 2, 3], threshold: 1, sigs: [1, 2] },
      { keys: [1, 2, 3], threshold: 1, sigs: [1] },
    ],
    3,
  ),
  'a second key joins and the threshold goes up with it': rootStory(
    [
      { keys: [1], threshold: 1, sigs: [1] },
      { keys: [1, 2], threshold: 2, sigs: [1, 2] },
    ],
    2,
  ),
  'a new root that the old key did not sign is refused': rootStory(
    [
      { keys: [1], threshold: 1, sigs: [1] },
      { keys: [2], threshold: 1, sigs: [2, 3, 4] },
    ],
    1,
  ),
  'a new root that the new key did not sign is refused': rootStory(
    [
      { keys: [1], threshold: 1, sigs: [1] },
      { keys: [2], threshold: 1, sigs: [1, 3, 4] },
    ],
    1,
  ),
  'a new root with two of the new three signatures is refused': rootStory(
    [
      { keys: FIVE, threshold: 3, sigs: [0, 2, 4] },
      { keys: [0, 1, 3, 4, 5], threshold: 3, sigs: [0, 2, 4] },
    ],
    1,
  ),
  'a new root with two of the old three signatures is refused': rootStory(
    [
      { keys: FIVE, threshold: 3, sigs: [0, 2, 4] },
      { keys: [0, 1, 3, 4, 5], threshold: 3, sigs: [0, 4, 5] },
    ],
    1,
  ),
  'a higher threshold that the new root itself misses is refused': rootStory(
    [
      { keys: [1, 2, 3], threshold: 1, sigs: [1] },
      { keys: [1, 2, 3], threshold: 2, sigs: [2] },
    ],
    1,
  ),
  'a lower threshold cannot be used to lower itself': rootStory(
    [
      { keys: [1, 2, 3], threshold: 2, sigs: [1, 2] },
      { keys: [1, 2, 3], threshold: 1, sigs: [1] },
    ],
    1,
  ),
  'of several new roots the good ones before the first bad one are kept': rootStory(
    [
      { keys: [1], threshold: 1, sigs: [1] },
      { keys: [2], threshold: 1, sigs: [1, 2] },
      { keys: [3], threshold: 1, sigs: [1, 3] },
      { keys: [3], threshold: 1, sigs: [3] },
    ],
    2,
  ),
};

const ROLE_CASES: { readonly [sentence: string]: KeyState & { readonly exit: 0 | 1 } } = {
  'one key for another': { keys: [2], threshold: 1, sigs: [2], exit: 0 },
  'signatures of strangers beside the needed one': { keys: [1], threshold: 1, sigs: [3, 1, 4], exit: 0 },
  'a key that the new root does not name': { keys: [2], threshold: 1, sigs: [1, 3, 4], exit: 1 },
  'two of three beside a stranger': { keys: [0, 1, 3, 4, 5], threshold: 3, sigs: [0, 2, 4], exit: 1 },
  'two of three': { keys: [0, 1, 3, 4, 5], threshold: 3, sigs: [0, 4], exit: 1 },
  'three of five, the outer and the middle': { keys: FIVE, threshold: 3, sigs: [0, 2, 4], exit: 0 },
  'three of five, in another order': { keys: FIVE, threshold: 3, sigs: [0, 4, 1], exit: 0 },
  'three of five, the first ones': { keys: FIVE, threshold: 3, sigs: [0, 1, 3], exit: 0 },
  'three of five, without the ends': { keys: FIVE, threshold: 3, sigs: [1, 2, 3], exit: 0 },
  'three of five, the last ones': { keys: FIVE, threshold: 3, sigs: [2, 3, 4], exit: 0 },
};

/** What is trusted when the role named first is the one that fails. */
const TRUSTED_BEFORE: { readonly [role: string]: string } = {
  timestamp: 'root 2',
  snapshot: 'root 2, timestamp 2',
  targets: 'root 2, snapshot 2, timestamp 2',
};

function roleStory(role: string, { exit, ...state }: KeyState & { readonly exit: 0 | 1 }): Story {
  return {
    given: (repository) => {
      setKeys(repository, role, state);
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    },
    steps: [{ exit, trusted: exit === 0 ? 'root 2, snapshot 2, targets 2, timestamp 2' : TRUSTED_BEFORE[role] }],
  };
}

export const roleRotationStories: Stories = Object.fromEntries(
  Object.keys(TRUSTED_BEFORE).flatMap((role) =>
    Object.entries(ROLE_CASES).map(([sentence, state]) => [`${role}: ${sentence}`, roleStory(role, state)]),
  ),
);

/** One role after the other gets the keys, on one client that refreshes in between; a bad one blocks all that follow. */
function roleAfterRoleStory({ exit, ...state }: KeyState & { readonly exit: 0 | 1 }): Story {
  return {
    steps: ['timestamp', 'snapshot', 'targets'].map((role, index) => {
      const version = index + 2;
      return {
        first: ({ repository }) => {
          setKeys(repository, role, state);
          repository.publish('root', 'targets', 'snapshot', 'timestamp');
        },
        exit,
        trusted:
          exit === 0
            ? `root ${version}, snapshot ${version}, targets ${version}, timestamp ${version}`
            : `root ${version}`,
      };
    }),
  };
}

export const roleAfterRoleStories: Stories = Object.fromEntries(
  Object.entries(ROLE_CASES).map(([sentence, state]) => [sentence, roleAfterRoleStory(state)]),
);
