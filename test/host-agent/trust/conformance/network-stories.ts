/** A server that is hostile, broken or merely odd. */
import { ALL_AT_1, type Stories } from './story.ts';

export const networkStories: Stories = {
  'a next root that is forbidden is as good as none': {
    given: (_, world) => world.server.misbehaviours.set('2.root.json', { status: 403 }),
    steps: [{ exit: 0, trusted: ALL_AT_1 }],
  },
  'a server error instead of the next root fails the refresh': {
    given: (_, world) => world.server.misbehaviours.set('2.root.json', { status: 500 }),
    steps: [{ exit: 1, requests: ['2.root.json'], trusted: 'root 1' }],
  },
  'a root without an end is cut off': {
    given: (_, world) => world.server.misbehaviours.set('2.root.json', 'endless'),
    steps: [{ exit: 1, trusted: 'root 1' }],
  },
  'a timestamp without an end is cut off': {
    given: (_, world) => world.server.misbehaviours.set('timestamp.json', 'endless'),
    steps: [{ exit: 1, trusted: 'root 1' }],
  },
  'a snapshot without an end is cut off; the timestamp is kept': {
    given: (_, world) => world.server.misbehaviours.set('1.snapshot.json', 'endless'),
    steps: [{ exit: 1, trusted: 'root 1, timestamp 1' }],
  },
  'targets without an end are cut off, and the next refresh finishes the work': {
    given: (_, world) => world.server.misbehaviours.set('1.targets.json', 'endless'),
    steps: [
      { exit: 1, trusted: 'root 1, snapshot 1, timestamp 1' },
      { first: (world) => world.server.misbehaviours.clear(), exit: 0, trusted: ALL_AT_1 },
    ],
  },
  'a connection that breaks in the middle of a file leaves nothing of it': {
    given: (_, world) => world.server.misbehaviours.set('1.targets.json', 'cut'),
    steps: [{ exit: 1, trusted: 'root 1, snapshot 1, timestamp 1' }],
  },
  'a server that hangs up without an answer fails the refresh and costs nothing that is trusted': {
    steps: [
      { exit: 0 },
      {
        first: ({ server }) => server.misbehaviours.set('timestamp.json', 'mute'),
        exit: 1,
        requests: ['2.root.json', 'timestamp.json'],
        trusted: ALL_AT_1,
      },
    ],
  },
  'a redirect on the same server is followed': {
    given: (_, world) => world.server.misbehaviours.set('timestamp.json', { redirect: '/metadata/1.timestamp.json' }),
    steps: [{ exit: 0, trusted: ALL_AT_1 }],
  },
  'a redirect to another server is not followed': {
    given: (_, world) => {
      world.server.misbehaviours.set('timestamp.json', { redirect: 'http://127.0.0.1:1/timestamp.json' });
    },
    steps: [{ exit: 1, trusted: 'root 1' }],
  },
  'a redirect to itself comes to an end': {
    given: (_, world) => world.server.misbehaviours.set('timestamp.json', { redirect: '/metadata/timestamp.json' }),
    steps: [{ exit: 1, trusted: 'root 1' }],
  },
  'a new root is kept although everything after it is garbage': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository, server }) => {
          repository.rotateKeys('timestamp');
          repository.publish('root', 'timestamp');
          server.misbehaviours.set('timestamp.json', 'cut');
        },
        exit: 1,
        trusted: 'root 2, snapshot 1, targets 1, timestamp 1',
      },
      {
        first: ({ server }) => server.misbehaviours.clear(),
        exit: 0,
        trusted: 'root 2, snapshot 1, targets 1, timestamp 2',
      },
    ],
  },
};
