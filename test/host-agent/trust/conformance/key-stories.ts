/** Keys, thresholds and signatures. */
import { type KeyKind, newTestKey } from '../../../support/tuf-keys.ts';
import type { TufRepository } from '../../../support/tuf-repository.ts';
import type { Stories, Story } from './story.ts';

function setThreshold(repository: TufRepository, role: string, threshold: number): void {
  Object.assign(repository.root.roles[role] ?? {}, { threshold });
}

/** The client accepts a root that needs a key of this kind, and refuses the next one when that signature is wrong. */
function keyKindStory(kind: KeyKind): Story {
  const key = newTestKey(kind);
  return {
    given: (repository) => {
      repository.addKey('root', key);
      setThreshold(repository, 'root', 2);
      repository.publish('root');
    },
    steps: [
      { exit: 0, trusted: 'root 2, snapshot 1, targets 1, timestamp 1' },
      {
        first: ({ repository }) => {
          repository.publish('root');
          repository.tamper('root', (document) => {
            for (const signature of document.signatures) {
              if (signature.keyid === key.keyId) signature.sig = key.sign(Buffer.from('something else'));
            }
          });
        },
        exit: 1,
        trusted: 'root 2, snapshot 1, targets 1, timestamp 1',
      },
    ],
  };
}

export const keyStories: Stories = {
  'a snapshot with two of three signatures is refused': {
    given: (repository) => {
      setThreshold(repository, 'snapshot', 3);
      repository.addKey('snapshot');
      repository.addKey('snapshot');
      repository.publish('root', 'targets', 'snapshot', 'timestamp');
    },
    steps: [
      { exit: 0, trusted: 'root 2, snapshot 2, targets 2, timestamp 2' },
      {
        first: ({ repository }) => {
          repository.signers.get('snapshot')?.pop();
          repository.publish('targets', 'snapshot', 'timestamp');
        },
        exit: 1,
        trusted: 'root 2, snapshot 2, targets 2, timestamp 3',
      },
    ],
  },
  'a threshold above the number of keys can be met by nobody': {
    given: (repository) => {
      for (let count = 0; count < 4; count++) repository.addKey('snapshot');
      setThreshold(repository, 'snapshot', 6);
      repository.publish('root', 'snapshot', 'timestamp');
    },
    steps: [{ exit: 1, trusted: 'root 2, timestamp 2' }],
  },
  'one key named nine times does not meet a threshold of six': {
    given: (repository) => {
      const key = repository.addKey('snapshot');
      repository.root.roles.snapshot?.keyids.push(...Array.from({ length: 8 }, () => key.keyId));
      setThreshold(repository, 'snapshot', 6);
      repository.publish('root', 'snapshot', 'timestamp');
      repository.tamper('snapshot', (document) => {
        const signature = document.signatures.find((entry) => entry.keyid === key.keyId);
        if (signature !== undefined) document.signatures.push(...Array.from({ length: 8 }, () => signature));
      });
    },
    steps: [{ exit: 1 }, { exit: 1 }],
  },
  'two signatures under one key id are refused even where one is enough': {
    given: (repository) => {
      repository.hasHashedListings = false;
      repository.publish('snapshot', 'timestamp');
      repository.tamper('snapshot', (document) => document.signatures.push(...document.signatures));
    },
    steps: [{ exit: 1, trusted: 'root 1, timestamp 2' }],
  },
  'a signature by a key that the role does not name counts for nothing': {
    given: (repository) => {
      repository.signers.set('timestamp', [newTestKey()]);
      repository.publish('timestamp');
    },
    steps: [{ exit: 1, trusted: 'root 1' }],
  },
  'a key of another role counts for nothing': {
    given: (repository) => {
      repository.signers.set('targets', repository.signers.get('snapshot') ?? []);
      repository.publish('targets', 'snapshot', 'timestamp');
    },
    steps: [{ exit: 1, trusted: 'root 1, snapshot 2, timestamp 2' }],
  },
  'a wrong signature beside enough good ones does no harm': {
    given: (repository) => {
      const [first] = repository.signers.get('timestamp') ?? [];
      repository.addKey('timestamp');
      repository.publish('root', 'timestamp');
      repository.tamper('timestamp', (document) => {
        for (const signature of document.signatures) {
          if (signature.keyid === first?.keyId) signature.sig = first.sign(Buffer.from('something else'));
        }
      });
    },
    steps: [{ exit: 0, trusted: 'root 2, snapshot 1, targets 1, timestamp 2' }],
  },
  'an empty signature beside enough good ones does no harm': {
    given: (repository) => {
      const [first] = repository.signers.get('timestamp') ?? [];
      repository.addKey('timestamp');
      repository.publish('root', 'timestamp');
      repository.tamper('timestamp', (document) => {
        for (const signature of document.signatures) if (signature.keyid === first?.keyId) signature.sig = '';
      });
    },
    steps: [{ exit: 0, trusted: 'root 2, snapshot 1, targets 1, timestamp 2' }],
  },
  'Ed25519 keys sign': keyKindStory('ed25519'),
  'ECDSA keys sign': keyKindStory('ecdsa'),
  'RSA keys sign with PSS': keyKindStory('rsa-pss'),
  'a signature scheme that the specification does not name counts for nothing': {
    given: (repository) => {
      repository.addKey('root', newTestKey('rsa-pkcs1v15'));
      setThreshold(repository, 'root', 2);
      repository.publish('root');
    },
    steps: [{ exit: 1, trusted: 'root 1' }],
  },
};
