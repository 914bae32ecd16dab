import { repositoryKind } from '../../../../shared/ledger/kinds/repository.ts';
import { judgesRows, readsParams } from './judge-rows.ts';

const commit = '6625f76a1b2c3d4e5f60718293a4b5c6d7e8f901';
const seen = {
  commit,
  ref: 'refs/tags/v0.6',
  committedAt: 1_704_164_645,
  dirtyPathCount: 0,
  worktree: 'clean',
  isShallow: false,
  objectFormat: 'sha1',
  remote: '',
};

describe('the judge of repository', () => {
  judgesRows(
    repositoryKind,
    {
      'passes on a clean tree at the commit': { params: { commit }, seen, status: 'PASS' },
      'passes on a bare repository': { params: { commit }, seen: { ...seen, worktree: 'bare' }, status: 'PASS' },
      'fails at another commit': {
        params: { commit: '0'.repeat(40) },
        seen,
        status: 'FAIL',
        unmet: ['commit'],
      },
      'fails on a dirty path': {
        params: { commit },
        seen: { ...seen, worktree: 'dirty', dirtyPathCount: 1 },
        status: 'FAIL',
        unmet: ['paths that differ from a commit'],
      },
      'fails on a tree that says it is dirty and counts nothing': {
        params: { commit },
        seen: { ...seen, worktree: 'dirty' },
        status: 'FAIL',
        unmet: ['paths that differ from a commit'],
      },
      'fails on a tree that says it is clean and counts something': {
        params: { commit },
        seen: { ...seen, dirtyPathCount: 3 },
        status: 'FAIL',
        unmet: ['paths that differ from a commit'],
      },
      'fails on a history that is cut off': {
        params: { commit },
        seen: { ...seen, isShallow: true },
        status: 'FAIL',
        unmet: ['history is cut off'],
      },
    },
    7,
  );

  readsParams(repositoryKind, {
    good: [{ commit }, { commit: 'a'.repeat(64) }],
    bad: {
      'refuses no commit': {},
      'refuses a short commit': { commit: '6625f76' },
      'refuses a name instead of a commit': { commit: 'refs/tags/v0.6' },
      'refuses an unknown parameter': { commit, ref: 'main' },
    },
    count: 4,
  });
});
