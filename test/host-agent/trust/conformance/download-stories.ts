/** Downloading: what reaches the target folder, and what never does. */
import { expect } from 'chai';

import type { Stories, Story } from './story.ts';

const PATH = 'file.txt';

/** The client can check these digests. */
function hashStory(algorithms: readonly string[]): Story {
  return {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content', algorithms);
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [
      {
        download: PATH,
        exit: 0,
        downloaded: ['content'],
        also: ({ repository }) => {
          const digests = Object.values(repository.targets.targets[PATH]?.hashes ?? {});
          expect(repository.artifactRequests).to.have.length(1);
          expect(digests.map((digest) => `${digest}.${PATH}`)).to.include(repository.artifactRequests[0]);
        },
      },
    ],
  };
}

export const downloadStories: Stories = {
  'refreshing downloads nothing, downloading fetches the file': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content');
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [
      { exit: 0, downloaded: [] },
      { download: PATH, exit: 0, downloaded: ['content'] },
    ],
  },
  'downloading refreshes first, also for a file that nobody lists': {
    steps: [
      {
        download: 'nonexistent artifact',
        exit: 1,
        requests: ['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json'],
        trusted: 'root 1, snapshot 1, targets 1, timestamp 1',
        downloaded: [],
      },
    ],
  },
  'a file in a folder': {
    given: (repository) => {
      repository.addArtifact('targets', 'path/to/a/file.txt', 'content');
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ download: 'path/to/a/file.txt', exit: 0, downloaded: ['content'] }],
  },
  'a repository without consistent snapshots has plain names': {
    given: (repository) => {
      repository.root.consistent_snapshot = false;
      repository.addArtifact('targets', PATH, 'content');
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    },
    steps: [
      {
        download: PATH,
        exit: 0,
        requests: ['2.root.json', '3.root.json', 'timestamp.json', 'snapshot.json', 'targets.json'],
        downloaded: ['content'],
        also: ({ repository }) => expect(repository.artifactRequests).to.deep.equal([PATH]),
      },
    ],
  },
  'a file that is there already is not fetched again': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content');
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [
      { download: PATH, exit: 0 },
      {
        download: PATH,
        exit: 0,
        downloaded: ['content'],
        also: ({ repository }) => expect(repository.artifactRequests).to.have.length(1),
      },
    ],
  },
  'several files in one command, in their order': {
    given: (repository) => {
      for (const name of ['c', 'a', 'b']) repository.addArtifact('targets', name, `content of ${name}`);
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [
      {
        download: ['c', 'a', 'b'],
        exit: 0,
        downloaded: ['content of a', 'content of b', 'content of c'],
        also: ({ repository }) =>
          expect(repository.artifactRequests.map((name) => name.slice(-1)).join('')).to.equal('cab'),
      },
    ],
  },
  'of several files in one command those before the first bad one are kept, and those after it are not asked for': {
    given: (repository) => {
      for (const name of ['c', 'a', 'b']) repository.addArtifact('targets', name, `content of ${name}`);
      repository.artifacts.set('a', Buffer.from('malware of a'));
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [
      {
        download: ['c', 'a', 'b'],
        exit: 1,
        downloaded: ['content of c'],
        also: ({ repository }) => expect(repository.artifactRequests).to.have.length(2),
      },
    ],
  },
  'bytes that the server replaced reach the folder neither for an old nor for a new file': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'file content');
      repository.addArtifact('targets', 'another', 'content');
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [
      { download: PATH, exit: 0, downloaded: ['file content'] },
      {
        first: ({ repository }) => {
          repository.artifacts.set(PATH, Buffer.from('file malware'));
          repository.artifacts.set('another', Buffer.from('malware'));
        },
        download: PATH,
        exit: 0,
        downloaded: ['file content'],
      },
      { download: 'another', exit: 1, downloaded: ['file content'] },
    ],
  },
  'a file that is longer than listed is cut off and refused': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content');
      repository.artifacts.set(PATH, Buffer.from('content and more'));
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ download: PATH, exit: 1, downloaded: [] }],
  },
  'a file that is shorter than listed is refused': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content');
      repository.artifacts.set(PATH, Buffer.from('con'));
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ download: PATH, exit: 1, downloaded: [] }],
  },
  'a file that is missing on the server': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content');
      repository.artifacts.clear();
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ download: PATH, exit: 1, downloaded: [] }],
  },
  'a changed file replaces the old one under the same name, again and again': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content 0');
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [
      { download: PATH, exit: 0, downloaded: ['content 0'] },
      ...[1, 2, 3].map((round) => ({
        first: ({ repository }: Parameters<NonNullable<Story['steps'][number]['first']>>[0]) => {
          repository.addArtifact('targets', PATH, `content ${round}`);
          repository.publish('targets', 'snapshot', 'timestamp');
        },
        download: PATH,
        exit: 0 as const,
        downloaded: [`content ${round}`],
      })),
      {
        first: ({ repository }) => repository.artifacts.set(PATH, Buffer.from('content X')),
        download: PATH,
        exit: 0,
        downloaded: ['content 3'],
      },
    ],
  },
  'SHA-256 is checked': hashStory(['sha256']),
  'SHA-512 is checked': hashStory(['sha512']),
  'SHA-256 and SHA-512 are both checked': hashStory(['sha256', 'sha512']),
  'a second digest that is wrong refuses the file though the first is right': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content', ['sha256', 'sha512']);
      Object.assign(repository.targets.targets[PATH]?.hashes ?? {}, { sha512: '0'.repeat(128) });
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ download: PATH, exit: 1, downloaded: [] }],
  },
  'an unknown algorithm refuses the file': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content');
      const target = repository.targets.targets[PATH];
      if (target !== undefined) target.hashes = { 'unknown-hash': '0'.repeat(64) };
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ download: PATH, exit: 1, downloaded: [] }],
  },
  'a broken algorithm refuses the file': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content', ['md5']);
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ download: PATH, exit: 1, downloaded: [] }],
  },
  'no digest at all refuses the file': {
    given: (repository) => {
      repository.addArtifact('targets', PATH, 'content', []);
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ download: PATH, exit: 1, downloaded: [] }],
  },
  'a file of the name ".." is kept nowhere': {
    given: (repository) => {
      repository.addArtifact('targets', '..', 'content');
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ download: '..', exit: 1, downloaded: [] }],
  },
};
