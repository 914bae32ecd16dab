/** Looking for a target through delegated roles: who may list it, for how long, under which names. */
import { newTestKey } from '../../../support/tuf-keys.ts';
import { DAY_MS, type TufRepository, tufDate } from '../../../support/tuf-repository.ts';
import { delegate, type Edge, publishDelegated } from './delegation-stories.ts';
import type { Stories, Story } from './story.ts';

const DELEGATED: Edge = { from: 'targets', to: 'delegated', paths: ['delegated/*'] };
const inDays = (days: number) => tufDate(Date.now() + days * DAY_MS);

export const searchStories: Stories = {
  'a delegated role that is expired from the start is not used; the refresh without it succeeds': {
    given: (repository) => {
      delegate(repository, [DELEGATED]);
      repository.delegatedRole('delegated').expires = inDays(-1);
      repository.addArtifact('delegated', 'delegated/a', 'content');
      publishDelegated(repository);
    },
    steps: [
      { exit: 0 },
      { download: 'delegated/a', exit: 1, downloaded: [], trusted: 'root 1, snapshot 2, targets 2, timestamp 2' },
    ],
  },
  'a repository as a signing service writes it: fields of its own, ECDSA, a signature still to come, indented': {
    given: (repository) => {
      repository.hasHashedListings = false;
      for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
        repository.setKeys(role, [newTestKey('ecdsa', { 'x-owner': '@anna' })]);
        repository.signedOf(role)['x-expiry-period'] = 7300;
      }
      const paths = ['delegated/*', 'delegated/*/*', 'delegated/*/*/*'];
      delegate(repository, [{ from: 'targets', to: 'delegated', terminating: true, paths }]);
      const late = repository.addKey('delegated', newTestKey('ecdsa', { 'x-owner': '@binh' }));
      repository.addArtifact('delegated', 'delegated/artifact', 'content');
      repository.unpublish('root');
      repository.root.version = 1;
      repository.publish('root', ...repository.delegated.keys(), 'targets', 'snapshot', 'timestamp');
      repository.tamper('delegated', ({ signatures }) => {
        for (const signature of signatures) if (signature.keyid === late.keyId) signature.sig = '';
      });
      repository.indent();
    },
    steps: [
      { exit: 0, trusted: 'root 1, snapshot 2, targets 2, timestamp 2' },
      { download: 'delegated/artifact', exit: 0, downloaded: ['content'] },
    ],
  },
  'a delegated role that expires later is not used any more': {
    given: (repository) => {
      delegate(repository, [DELEGATED]);
      repository.delegatedRole('delegated').expires = inDays(7);
      repository.addArtifact('delegated', 'delegated/a', 'first');
      repository.addArtifact('delegated', 'delegated/b', 'second');
      publishDelegated(repository);
    },
    steps: [
      { download: 'delegated/a', exit: 0, downloaded: ['first'] },
      { download: 'delegated/b', day: 18, exit: 1, downloaded: ['first'] },
    ],
  },
  'a delegated role that expired and was renewed is used again': {
    given: (repository) => {
      delegate(repository, [DELEGATED]);
      repository.delegatedRole('delegated').expires = inDays(7);
      repository.addArtifact('delegated', 'delegated/a', 'first');
      repository.addArtifact('delegated', 'delegated/b', 'second');
      publishDelegated(repository);
    },
    steps: [
      { download: 'delegated/a', exit: 0 },
      {
        first: ({ repository }) => {
          repository.delegatedRole('delegated').expires = inDays(21);
          repository.publish('delegated', 'snapshot', 'timestamp');
        },
        download: 'delegated/b',
        day: 18,
        exit: 0,
        downloaded: ['first', 'second'],
      },
    ],
  },
  'a delegated role that the wrong keys signed is refused': {
    given: (repository) => {
      delegate(repository, [DELEGATED]);
      repository.addArtifact('delegated', 'delegated/a', 'content');
      repository.signers.set('delegated', repository.signers.get('targets') ?? []);
      publishDelegated(repository);
    },
    steps: [
      { download: 'delegated/a', exit: 1, trusted: 'root 1, snapshot 2, targets 2, timestamp 2', downloaded: [] },
    ],
  },
  'a role that one delegator trusts, and that is on disk, is judged anew for another delegator': {
    given: delegateTwoWays,
    steps: [
      { download: 'a/x', exit: 0, downloaded: ['what A lets C give'] },
      { download: 'b/x', exit: 1, downloaded: ['what A lets C give'] },
    ],
  },
  'a role that one delegator trusts is judged anew for another delegator, within one command': {
    given: delegateTwoWays,
    steps: [{ download: ['a/x', 'b/x'], exit: 1, downloaded: ['what A lets C give'] }],
  },
  'a role that is delegated to and stands in no snapshot is not even asked for': {
    given: (repository) => {
      delegate(repository, [DELEGATED]);
      repository.publish('delegated', 'targets');
      delete repository.snapshot.meta['delegated.json'];
      repository.publish('snapshot', 'timestamp');
    },
    steps: [
      { exit: 0 },
      {
        download: 'delegated/a',
        exit: 1,
        requests: ['2.root.json', 'timestamp.json'],
        trusted: 'root 1, snapshot 2, targets 2, timestamp 2',
        downloaded: [],
      },
    ],
  },
  'a target in the targets role itself': search('targetfile', { found: 'by targets', visited: [] }),
  'a target by a suffix': search('README.md', { found: 'by A', visited: ['A'] }),
  'a target two levels down': search('releases/x/x_v1', { found: 'by C', visited: ['B', 'C'] }),
  'a target two levels down, by folder and suffix': search('releases/y/y_v1.zip', {
    found: 'by D',
    visited: ['B', 'D'],
  }),
  'a target that not every role on the way delegates is not found': search('releases/z/z_v1.zip', { visited: ['B'] }),
  'a star stands for no slash': search('releases/README.md', { visited: [] }),
  'a question mark stands for one character': search('foo-1.tgz', { found: 'foo 1', visited: ['A'] }),
  'a question mark stands for no more than one character': search('foo-alpha.tgz', { visited: [] }),
  'a pattern heeds upper and lower case': search('README.MD', { visited: [] }),
  'a target with the name of a property that every object has is not found': search('constructor', { visited: [] }),
};

/** C may give `a/*` to A, and `b/*` to B, who wants other keys for it; its own signature is the one that A wants. */
function delegateTwoWays(repository: TufRepository): void {
  delegate(repository, [
    { from: 'targets', to: 'A', paths: ['a/*'] },
    { from: 'targets', to: 'B', paths: ['b/*'] },
    { from: 'A', to: 'C', paths: ['a/*'] },
  ]);
  const keysThatATrusts = repository.signers.get('C') ?? [];
  delegate(repository, [{ from: 'B', to: 'C', paths: ['b/*'] }]);
  repository.signers.set('C', keysThatATrusts);
  repository.addArtifact('C', 'a/x', 'what A lets C give');
  repository.addArtifact('C', 'b/x', 'what B lets another C give');
  publishDelegated(repository);
}

function search(path: string, { found, visited }: { found?: string; visited: readonly string[] }): Story {
  return {
    given: (repository) => {
      delegate(repository, [
        { from: 'targets', to: 'A', paths: ['*.doc', '*.md', 'foo-?.tgz'] },
        { from: 'targets', to: 'B', paths: ['releases/*/*'] },
        { from: 'B', to: 'C', paths: ['releases/x/*'] },
        { from: 'B', to: 'D', paths: ['releases/y/*.zip'] },
      ]);
      repository.addArtifact('targets', 'targetfile', 'by targets');
      repository.addArtifact('A', 'README.md', 'by A');
      repository.addArtifact('A', 'releases/README.md', 'by A, but not its to give');
      repository.addArtifact('A', 'foo-1.tgz', 'foo 1');
      repository.addArtifact('A', 'foo-alpha.tgz', 'foo alpha');
      repository.addArtifact('C', 'releases/x/x_v1', 'by C');
      repository.addArtifact('D', 'releases/y/y_v1.zip', 'by D');
      repository.addArtifact('D', 'releases/z/z_v1.zip', 'by D, but not its to give');
      publishDelegated(repository);
    },
    steps: [
      {
        download: path,
        exit: found === undefined ? 1 : 0,
        requests: [
          ...['2.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json'],
          ...visited.map((role) => `1.${role}.json`),
        ],
        downloaded: found === undefined ? [] : [found],
      },
    ],
  };
}
