/** Refreshing: what is asked for, what is refused, what is kept after a refusal. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';

import { newTestKey } from '../../../support/tuf-keys.ts';
import { ALL_AT_1, type Stories } from './story.ts';

const FIRST_REQUESTS = ['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json'];

export const refreshStories: Stories = {
  'a fresh client asks for the next root, the timestamp, the snapshot and the targets, and for nothing else': {
    steps: [{ exit: 0, requests: FIRST_REQUESTS, trusted: ALL_AT_1 }],
  },
  'when nothing is new, the next root and the timestamp are all it asks for': {
    steps: [
      { exit: 0, trusted: ALL_AT_1 },
      { exit: 0, requests: ['2.root.json', 'timestamp.json'], trusted: ALL_AT_1 },
    ],
  },
  'everything is stored byte for byte as it was received': {
    given: (repository) => {
      repository.published
        .get('timestamp')
        ?.splice(0, 1, Buffer.concat([repository.newest('timestamp'), Buffer.from(' \n')]));
    },
    steps: [
      {
        exit: 0,
        also: (world) => {
          for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
            const stored = readFileSync(world.metadataPath(role));
            expect(stored.equals(world.repository.newest(role)), role).to.equal(true);
          }
        },
      },
    ],
  },
  'an initial root without a version ends it before any request': {
    root: (repository) => Buffer.from(repository.firstRoot.toString().replace('"version":1,', '')),
    steps: [{ exit: 1, requests: [] }],
  },
  'an initial root with a wrong signature ends it before any request': {
    root: (repository) => Buffer.from(repository.firstRoot.toString().replace(/"sig":"[0-9a-f]{8}/, '"sig":"00000000')),
    steps: [{ exit: 1, requests: [], trusted: 'root 1' }],
  },
  'an initial root that is no JSON ends it before any request': {
    root: () => Buffer.from('{'),
    steps: [{ exit: 1, requests: [] }],
  },
  'an empty initial root ends it before any request': {
    root: () => Buffer.alloc(0),
    steps: [{ exit: 1, requests: [] }],
  },
  'an unsigned root is refused and nothing after it is asked for': {
    given: (repository) => {
      repository.signers.set('root', []);
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    },
    steps: [{ exit: 1, requests: ['2.root.json'], trusted: 'root 1' }],
  },
  'an unsigned timestamp is refused; the root before it is kept': {
    given: (repository) => {
      repository.signers.set('timestamp', []);
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    },
    steps: [{ exit: 1, trusted: 'root 2' }],
  },
  'an unsigned snapshot is refused; root and timestamp are kept': {
    given: (repository) => {
      repository.signers.set('snapshot', []);
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    },
    steps: [{ exit: 1, trusted: 'root 2, timestamp 2' }],
  },
  'unsigned targets are refused; root, timestamp and snapshot are kept': {
    given: (repository) => {
      repository.signers.set('targets', []);
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    },
    steps: [{ exit: 1, trusted: 'root 2, snapshot 2, timestamp 2' }],
  },
  'a root whose version is not the one asked for is refused': {
    given: (repository) => {
      repository.root.version = 2;
      repository.publish('root');
    },
    steps: [{ exit: 1, requests: ['2.root.json'], trusted: 'root 1' }],
  },
  'a snapshot whose version is not the listed one is refused; the timestamp is kept': {
    given: (repository) => {
      repository.hasHashedListings = false;
      repository.snapshot.version = 2;
      repository.publish('snapshot');
      Object.assign(repository.timestamp.meta['snapshot.json'] ?? {}, { version: 2 });
      repository.publish('timestamp');
    },
    steps: [{ exit: 1, trusted: 'root 1, timestamp 2' }],
  },
  'targets whose version is not the listed one are refused; the snapshot is kept': {
    given: (repository) => {
      repository.hasHashedListings = false;
      repository.targets.version = 2;
      repository.publish('targets');
      Object.assign(repository.snapshot.meta['targets.json'] ?? {}, { version: 2 });
      repository.publish('snapshot', 'timestamp');
    },
    steps: [{ exit: 1, trusted: 'root 1, snapshot 2, timestamp 2' }],
  },
  'targets that no snapshot lists are not asked for': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => repository.publish('targets'),
        exit: 0,
        requests: ['2.root.json', 'timestamp.json'],
        trusted: ALL_AT_1,
      },
    ],
  },
  'a timestamp that changed without counting up is not taken': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          repository.unpublish('timestamp');
          Object.assign(repository.timestamp.meta['snapshot.json'] ?? {}, { version: 100 });
          repository.publish('timestamp');
        },
        exit: 0,
        requests: ['2.root.json', 'timestamp.json'],
        trusted: ALL_AT_1,
        also: (world) => {
          const { signed } = JSON.parse(readFileSync(world.metadataPath('timestamp'), 'utf8'));
          expect(signed.meta['snapshot.json'].version).to.equal(1);
        },
      },
    ],
  },
  'a snapshot that differs from its listed digest is refused': {
    given: (repository) =>
      repository.tamper('snapshot', (document) => document.signatures.push({ keyid: 'x', sig: '' })),
    steps: [{ exit: 1, trusted: 'root 1, timestamp 1' }],
  },
  'targets that differ from their listed digest are refused, also when a good version is trusted': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          repository.publish('targets');
          Object.assign(repository.snapshot.meta['targets.json']?.hashes ?? {}, { sha256: '0'.repeat(64) });
          repository.publish('snapshot', 'timestamp');
        },
        exit: 1,
        trusted: 'root 1, snapshot 2, targets 1, timestamp 2',
      },
    ],
  },
  'targets that are longer than listed are refused': {
    given: (repository) => {
      Object.assign(repository.snapshot.meta['targets.json'] ?? {}, { length: 10 });
      repository.publish('snapshot', 'timestamp');
    },
    steps: [{ exit: 1, trusted: 'root 1, snapshot 2, timestamp 2' }],
  },
  'listings without digests and lengths are good enough for the specification': {
    given: (repository) => {
      repository.hasHashedListings = false;
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ exit: 0, trusted: 'root 1, snapshot 2, targets 2, timestamp 2' }],
  },
  'unknown fields are signed for and accepted': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          repository.root['custom-field'] = 'value';
          Object.assign(repository.root.roles.root ?? {}, { 'another-field': 'value' });
          repository.addKey('root', newTestKey('ed25519', { 'extra-field': { a: 1, b: 2 } }));
          repository.publish('root');
        },
        exit: 0,
        trusted: 'root 2, snapshot 1, targets 1, timestamp 1',
      },
    ],
  },
  'files with escapes, as other tools write them, are accepted': {
    given: (repository) => {
      repository.root['custom-field'] = 'A';
      repository.publish('root', 'timestamp');
      for (const role of ['root', 'timestamp']) {
        const text = repository
          .newest(role)
          .toString()
          .replace('"signed"', '"\\u0073igned"')
          .replace('"A"', '"\\u0041"');
        repository.published.get(role)?.splice(-1, 1, Buffer.from(text));
      }
    },
    steps: [
      { exit: 0, trusted: 'root 2, snapshot 1, targets 1, timestamp 2' },
      { exit: 0, trusted: 'root 2, snapshot 1, targets 1, timestamp 2' },
    ],
  },
  'a misleading keyid_hash_algorithms means nothing': {
    given: (repository) => {
      repository.rotateKeys('snapshot');
      repository.addKey('snapshot', newTestKey('ed25519', { keyid_hash_algorithms: 'md5' }));
      repository.publish('root', 'snapshot', 'timestamp');
    },
    steps: [{ exit: 0, trusted: 'root 2, snapshot 2, targets 1, timestamp 2' }],
  },
  'a timestamp that is missing fails the refresh and costs nothing that is trusted': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => repository.unpublish('timestamp'),
        exit: 1,
        requests: ['2.root.json', 'timestamp.json'],
        trusted: ALL_AT_1,
      },
    ],
  },
  'a snapshot that is missing fails the refresh; the timestamp is kept': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          Object.assign(repository.timestamp.meta['snapshot.json'] ?? {}, { version: 2 });
          repository.publish('timestamp');
        },
        exit: 1,
        requests: ['2.root.json', 'timestamp.json', '2.snapshot.json'],
        trusted: 'root 1, snapshot 1, targets 1, timestamp 2',
      },
    ],
  },
  'targets that are missing fail the refresh; timestamp and snapshot are kept': {
    steps: [
      { exit: 0 },
      {
        first: ({ repository }) => {
          Object.assign(repository.snapshot.meta['targets.json'] ?? {}, { version: 2 });
          repository.publish('snapshot', 'timestamp');
        },
        exit: 1,
        requests: ['2.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json'],
        trusted: 'root 1, snapshot 2, targets 1, timestamp 2',
      },
    ],
  },
  'a snapshot that is served as a timestamp is refused though all else about it is right': {
    given: (repository) => {
      const [timestampKey] = repository.signers.get('timestamp') ?? [];
      repository.addKey('snapshot', timestampKey);
      repository.snapshot.meta = { 'snapshot.json': { version: 1 } };
      repository.publish('root', 'snapshot');
      repository.published.get('timestamp')?.push(repository.newest('snapshot'));
    },
    steps: [{ exit: 1, trusted: 'root 2' }],
  },
  'a damaged local timestamp, snapshot and targets are fetched anew': {
    steps: [
      { exit: 0 },
      {
        first: (world) => {
          writeFileSync(world.metadataPath('timestamp'), '{"signatures"');
          writeFileSync(world.metadataPath('snapshot'), '');
          rmSync(world.metadataPath('targets'));
        },
        exit: 0,
        requests: FIRST_REQUESTS,
        trusted: ALL_AT_1,
      },
    ],
  },
  'a local root that a power cut emptied ends it before any request': {
    steps: [{ exit: 0 }, { first: (world) => writeFileSync(world.metadataPath('root'), ''), exit: 1, requests: [] }],
  },
};
