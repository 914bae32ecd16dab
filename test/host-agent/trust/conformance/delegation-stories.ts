/** Delegated roles: in which order they are visited, who may sign them, how odd their names may be. */
import { DAY_MS, type TestDelegation, type TufRepository, tufDate } from '../../../support/tuf-repository.ts';
import type { Stories, Story } from './story.ts';

type Edge = { readonly from: string; readonly to: string } & Partial<Pick<TestDelegation, 'terminating' | 'paths'>>;

function delegate(repository: TufRepository, edges: readonly Edge[]): void {
  for (const { from, to, ...options } of edges) repository.addDelegation(from, to, options);
}

function publishDelegated(repository: TufRepository): void {
  repository.publish(...repository.delegated.keys(), 'targets', 'snapshot', 'timestamp');
}

/** Looks for a target that nobody lists; the roles must be visited in this order. */
function graphStory(edges: readonly Edge[], visited: readonly string[]): Story {
  return {
    given: (repository) => {
      delegate(repository, edges);
      publishDelegated(repository);
    },
    steps: [
      {
        download: 'missing',
        exit: 1,
        requests: [
          ...['2.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json'],
          ...visited.map((role) => `1.${role}.json`),
        ],
        downloaded: [],
      },
    ],
  };
}

/** The role's name reaches the server percent-encoded and the disk as one plain file. */
function oddNameStory(name: string): Story {
  return {
    given: (repository) => {
      delegate(repository, [{ from: 'targets', to: name }]);
      publishDelegated(repository);
    },
    steps: [
      {
        download: 'missing',
        exit: 1,
        requests: [
          ...['2.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json'],
          `1.${encodeURIComponent(name)}.json`,
        ],
        trusted: [`${name} 1`, 'root 1', 'snapshot 2', 'targets 2', 'timestamp 2'].sort().join(', '),
      },
    ],
  };
}

const DELEGATED: Edge = { from: 'targets', to: 'delegated', paths: ['delegated/*'] };
const inDays = (days: number) => tufDate(Date.now() + days * DAY_MS);

export const delegationStories: Stories = {
  'one role': graphStory([{ from: 'targets', to: 'A' }], ['A']),
  'two roles, in the order of their listing': graphStory(
    [
      { from: 'targets', to: 'A' },
      { from: 'targets', to: 'B' },
    ],
    ['A', 'B'],
  ),
  'a second level below the last': graphStory(
    [
      { from: 'targets', to: 'A' },
      { from: 'targets', to: 'B' },
      { from: 'B', to: 'C' },
    ],
    ['A', 'B', 'C'],
  ),
  'depth comes before breadth': graphStory(
    [
      { from: 'targets', to: 'A' },
      { from: 'targets', to: 'B' },
      { from: 'A', to: 'C' },
      { from: 'A', to: 'D' },
    ],
    ['A', 'C', 'D', 'B'],
  ),
  'depth comes before breadth on three levels': graphStory(
    [
      { from: 'targets', to: 'A' },
      { from: 'targets', to: 'B' },
      { from: 'A', to: 'C' },
      { from: 'C', to: 'D' },
    ],
    ['A', 'C', 'D', 'B'],
  ),
  'a terminating delegation ends the search for its siblings': graphStory(
    [
      { from: 'targets', to: 'A' },
      { from: 'targets', to: 'B' },
      { from: 'A', to: 'C', terminating: true },
      { from: 'A', to: 'D' },
    ],
    ['A', 'C'],
  ),
  'a terminating delegation does not end the search below it': graphStory(
    [
      { from: 'targets', to: 'A' },
      { from: 'targets', to: 'B' },
      { from: 'A', to: 'C', terminating: true },
      { from: 'C', to: 'D' },
    ],
    ['A', 'C', 'D'],
  ),
  'a role whose paths do not match is not visited, nor what is below it': graphStory(
    [
      { from: 'targets', to: 'A', paths: ['*.py'] },
      { from: 'targets', to: 'B' },
      { from: 'A', to: 'C' },
    ],
    ['B'],
  ),
  'the same on the second level': graphStory(
    [
      { from: 'targets', to: 'A' },
      { from: 'targets', to: 'B' },
      { from: 'A', to: 'C', paths: ['*.py'] },
      { from: 'C', to: 'D' },
    ],
    ['A', 'B'],
  ),
  'a cycle comes to an end': graphStory(
    [
      { from: 'targets', to: 'A' },
      { from: 'targets', to: 'B' },
      { from: 'B', to: 'C' },
      { from: 'C', to: 'D' },
      { from: 'D', to: 'B' },
    ],
    ['A', 'B', 'C', 'D'],
  ),
  'a role that two delegate to is visited once': graphStory(
    [
      { from: 'targets', to: 'A' },
      { from: 'targets', to: 'B' },
      { from: 'B', to: 'C' },
      { from: 'A', to: 'C' },
    ],
    ['A', 'C', 'B'],
  ),
  'a role is reached through the one whose paths match': graphStory(
    [
      { from: 'targets', to: 'A' },
      { from: 'targets', to: 'B' },
      { from: 'B', to: 'C' },
      { from: 'A', to: 'C', paths: ['*.py'] },
    ],
    ['A', 'B', 'C'],
  ),
  'a chain without an end is given up after 33 roles': graphStory(
    Array.from({ length: 40 }, (_, depth) => ({ from: depth === 0 ? 'targets' : `r${depth}`, to: `r${depth + 1}` })),
    Array.from({ length: 32 }, (_, depth) => `r${depth + 1}`),
  ),
  'a role named by a question mark': oddNameStory('?'),
  'a role named by a number sign': oddNameStory('#'),
  'a role whose name begins with a slash': oddNameStory('/delegatedrole'),
  'a role whose name leads out of the folder': oddNameStory('../delegatedrole'),
  'a role with spaces and per cent signs': oddNameStory('a b%2Fc'),
  'a role with a name of two words in another script': oddNameStory('発行 者'),
};

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
    given: (repository) => {
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
    },
    steps: [
      { download: 'a/x', exit: 0, downloaded: ['what A lets C give'] },
      { download: 'b/x', exit: 1, downloaded: ['what A lets C give'] },
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
  'a target with the name of a property that every object has is not found': search('constructor', { visited: [] }),
};

function search(path: string, { found, visited }: { found?: string; visited: readonly string[] }): Story {
  return {
    given: (repository) => {
      delegate(repository, [
        { from: 'targets', to: 'A', paths: ['*.doc', '*.md'] },
        { from: 'targets', to: 'B', paths: ['releases/*/*'] },
        { from: 'B', to: 'C', paths: ['releases/x/*'] },
        { from: 'B', to: 'D', paths: ['releases/y/*.zip'] },
      ]);
      repository.addArtifact('targets', 'targetfile', 'by targets');
      repository.addArtifact('A', 'README.md', 'by A');
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
