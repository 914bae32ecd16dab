/** Expiry and freezing. */
import { DAY_MS, type TufRepository, tufDate } from '../../../support/tuf-repository.ts';
import { ALL_AT_1, type Stories, type Story } from './story.ts';

const YESTERDAY = tufDate(Date.now() - DAY_MS);
const inDays = (days: number) => tufDate(Date.now() + days * DAY_MS);

export const expiryStories: Stories = {
  'an expired root is kept and ends the refresh there': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          repository.root.expires = YESTERDAY;
          repository.publish('root', 'targets', 'snapshot', 'timestamp');
        },
        exit: 1,
        trusted: 'root 2, snapshot 1, targets 1, timestamp 1',
      },
    ],
  },
  'an expired root between two others does no harm': {
    given: (repository) => {
      repository.root.expires = YESTERDAY;
      repository.publish('root');
      repository.root.expires = inDays(30);
      repository.publish('root');
    },
    steps: [{ exit: 0, trusted: 'root 3, snapshot 1, targets 1, timestamp 1' }],
  },
  'an expired timestamp is refused and the old one kept': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          repository.timestamp.expires = YESTERDAY;
          repository.publish('timestamp');
        },
        exit: 1,
        trusted: ALL_AT_1,
      },
    ],
  },
  'an expired snapshot is refused; the timestamp is kept': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          repository.snapshot.expires = YESTERDAY;
          repository.publish('snapshot', 'timestamp');
        },
        exit: 1,
        trusted: 'root 1, snapshot 1, targets 1, timestamp 2',
      },
    ],
  },
  'expired targets are refused; timestamp and snapshot are kept': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          repository.targets.expires = YESTERDAY;
          repository.publish('targets', 'snapshot', 'timestamp');
        },
        exit: 1,
        trusted: 'root 1, snapshot 2, targets 1, timestamp 2',
      },
    ],
  },
  'a local root that expired is replaced by the next one': {
    given: (repository) => {
      repository.root.expires = inDays(7);
      repository.publish('root');
    },
    steps: [
      { exit: 0, trusted: 'root 2, snapshot 1, targets 1, timestamp 1' },
      {
        first: ({ repository }) => {
          repository.root.expires = inDays(21);
          repository.publish('root');
        },
        day: 18,
        exit: 0,
        trusted: 'root 3, snapshot 1, targets 1, timestamp 1',
      },
    ],
  },
  'a root that has expired since, and that no newer one replaces, ends the refresh': {
    given: (repository) => {
      repository.root.expires = inDays(7);
      repository.publish('root');
    },
    steps: [{ exit: 0 }, { day: 8, exit: 1, trusted: 'root 2, snapshot 1, targets 1, timestamp 1' }],
  },
  'a local snapshot that expired is replaced by a newer one': renewed('snapshot'),
  'a local snapshot that expired, and that no newer one replaces, is not used': outlived('snapshot'),
  'local targets that expired are replaced by newer ones': renewed('targets'),
  'local targets that expired, and that no newer ones replace, are not used': outlived('targets'),
  'a local timestamp that expired is replaced by a newer one': {
    given: (repository) => {
      repository.timestamp.expires = inDays(7);
      repository.publish('timestamp');
    },
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          repository.timestamp.expires = inDays(21);
          repository.publish('targets', 'snapshot', 'timestamp');
        },
        day: 18,
        exit: 0,
        trusted: 'root 1, snapshot 2, targets 2, timestamp 3',
      },
    ],
  },
  'an expired local timestamp still forbids an older one': {
    given: (repository) => {
      repository.timestamp.expires = inDays(7);
      repository.publish('timestamp');
    },
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          repository.unpublish('timestamp');
          Object.assign(repository.timestamp, { version: 1, expires: inDays(30) });
          repository.publish('timestamp');
        },
        day: 18,
        exit: 1,
        trusted: 'root 1, snapshot 1, targets 1, timestamp 2',
      },
    ],
  },
  'a repository that stands still is refused once its timestamp has expired': {
    steps: [{ exit: 0 }, { day: 29, exit: 0 }, { day: 31, exit: 1, trusted: ALL_AT_1 }],
  },
};

/** The role's file runs out after a week, its timestamp does not; in time a newer one is there. */
function renewed(role: 'snapshot' | 'targets'): Story {
  return {
    given: (repository) => expireInDays(repository, role, 7),
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => expireInDays(repository, role, 21),
        day: 18,
        exit: 0,
        trusted: 'root 1, snapshot 3, targets 3, timestamp 3',
      },
    ],
  };
}

/** As `renewed`, and no newer one comes. */
function outlived(role: 'snapshot' | 'targets'): Story {
  return {
    given: (repository) => expireInDays(repository, role, 7),
    steps: [{ exit: 0 }, { day: 18, exit: 1, trusted: 'root 1, snapshot 2, targets 2, timestamp 2' }],
  };
}

function expireInDays(repository: TufRepository, role: 'snapshot' | 'targets', days: number): void {
  repository[role].expires = inDays(days);
  repository.publish('targets', 'snapshot', 'timestamp');
}
