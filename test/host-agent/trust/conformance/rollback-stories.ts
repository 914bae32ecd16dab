/** Rolling back, and being called back after running away. */
import type { TufRepository } from '../../../support/tuf-repository.ts';
import { ALL_AT_1, type Stories } from './story.ts';

/** With and without digests in listings. */
function snapshotRollback(hasHashedListings: boolean) {
  return {
    given: (repository: TufRepository) => {
      repository.hasHashedListings = hasHashedListings;
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [
      { exit: 0, trusted: 'root 1, snapshot 2, targets 2, timestamp 2' },
      {
        first: ({ repository }: { repository: TufRepository }) => {
          repository.unpublish('snapshot');
          repository.snapshot.version = 1;
          repository.publish('snapshot', 'timestamp');
        },
        exit: 1,
        requests: ['2.root.json', 'timestamp.json'],
        trusted: 'root 1, snapshot 2, targets 2, timestamp 2',
      },
    ],
  } as const;
}

function targetsRollback(hasHashedListings: boolean) {
  return {
    given: (repository: TufRepository) => {
      repository.hasHashedListings = hasHashedListings;
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [
      { exit: 0 },
      {
        first: ({ repository }: { repository: TufRepository }) => {
          repository.unpublish('targets');
          repository.targets.version = 1;
          repository.publish('targets', 'snapshot', 'timestamp');
        },
        exit: 1,
        trusted: 'root 1, snapshot 2, targets 2, timestamp 3',
      },
    ],
  } as const;
}

export const rollbackStories: Stories = {
  'an older timestamp is refused': {
    given: (repository) => repository.publish('timestamp'),
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          repository.unpublish('timestamp');
          repository.timestamp.version = 1;
          repository.publish('timestamp');
        },
        exit: 1,
        requests: ['2.root.json', 'timestamp.json'],
        trusted: 'root 1, snapshot 1, targets 1, timestamp 2',
      },
    ],
  },
  'a snapshot that no timestamp lists is not even asked for': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => repository.publish('snapshot'),
        exit: 0,
        requests: ['2.root.json', 'timestamp.json'],
        trusted: ALL_AT_1,
      },
    ],
  },
  'a timestamp that lists an older snapshot is refused': snapshotRollback(true),
  'a timestamp that lists an older snapshot is refused, without digests': snapshotRollback(false),
  'a snapshot that lists older targets is refused': targetsRollback(true),
  'a snapshot that lists older targets is refused, without digests': targetsRollback(false),
  'a snapshot that drops a role is refused': {
    given: (repository) => {
      repository.addDelegation('targets', 'extra');
      repository.publish('extra', 'targets', 'snapshot', 'timestamp');
    },
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          delete repository.snapshot.meta['extra.json'];
          repository.publish('snapshot', 'timestamp');
        },
        exit: 1,
        trusted: 'root 1, snapshot 2, targets 2, timestamp 3',
      },
    ],
  },
  'a timestamp that ran away is called back by a new timestamp key': {
    given: (repository) => {
      for (let count = 0; count < 99; count++) repository.publish('timestamp');
    },
    steps: [
      { exit: 0, trusted: 'root 1, snapshot 1, targets 1, timestamp 100' },
      {
        first: ({ repository }) => {
          repository.rotateKeys('timestamp');
          repository.unpublish('timestamp');
          repository.timestamp.version = 1;
          repository.publish('root', 'timestamp');
        },
        exit: 0,
        trusted: 'root 2, snapshot 1, targets 1, timestamp 1',
      },
    ],
  },
  'a snapshot that ran away is called back by new snapshot and timestamp keys': {
    given: (repository) => {
      for (let count = 0; count < 99; count++) repository.publish('snapshot');
      repository.publish('timestamp');
    },
    steps: [
      { exit: 0, trusted: 'root 1, snapshot 100, targets 1, timestamp 2' },
      {
        first: ({ repository }) => {
          repository.rotateKeys('snapshot');
          repository.rotateKeys('timestamp');
          repository.unpublish('snapshot');
          repository.snapshot.version = 1;
          repository.publish('root', 'targets', 'snapshot', 'timestamp');
        },
        exit: 0,
        trusted: 'root 2, snapshot 1, targets 2, timestamp 3',
      },
    ],
  },
  'targets that ran away are called back by a new snapshot key': {
    given: (repository) => {
      for (let count = 0; count < 99; count++) repository.publish('targets');
      repository.publish('snapshot', 'timestamp');
    },
    steps: [
      { exit: 0, trusted: 'root 1, snapshot 2, targets 100, timestamp 2' },
      {
        first: ({ repository }) => {
          repository.rotateKeys('snapshot');
          repository.unpublish('targets');
          repository.targets.version = 1;
          repository.publish('root', 'targets', 'snapshot', 'timestamp');
        },
        exit: 0,
        trusted: 'root 2, snapshot 3, targets 1, timestamp 3',
      },
    ],
  },
};
