/** Delegated roles: in which order they are visited, and how odd their names may be. */
import type { TestDelegation, TufRepository } from '../../../support/tuf-repository.ts';
import type { Stories, Story } from './story.ts';

export type Edge = { readonly from: string; readonly to: string } & Partial<
  Pick<TestDelegation, 'terminating' | 'paths'>
>;

export function delegate(repository: TufRepository, edges: readonly Edge[]): void {
  for (const { from, to, ...options } of edges) repository.addDelegation(from, to, options);
}

export function publishDelegated(repository: TufRepository): void {
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
