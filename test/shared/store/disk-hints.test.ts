import { expect } from 'chai';

import { TransientError } from '../../../shared/errors.ts';
import { diskHint } from '../../../shared/store/disk-hints.ts';

describe('shared/store/disk-hints', () => {
  const systemError = (code: string) => Object.assign(new Error(code), { code });

  for (const code of ['ENOSPC', 'EDQUOT', 'EROFS', 'EXDEV', 'EACCES', 'EPERM', 'EMFILE']) {
    it(`says what to do about ${code}, also when it is the cause of a cause`, () => {
      const hint = diskHint(systemError(code));
      expect(hint).to.be.a('string');
      expect(
        diskHint(new TransientError('a', { cause: new TransientError('b', { cause: systemError(code) }) })),
      ).to.equal(hint);
    });
  }

  it('has nothing to say about anything else', () => {
    expect([
      diskHint(systemError('EIO')),
      diskHint(new Error('x')),
      diskHint('ENOSPC'),
      diskHint(undefined),
    ]).to.deep.equal(Array(4).fill(undefined));
  });
});
