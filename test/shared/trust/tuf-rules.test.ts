import { expect } from 'chai';

import { canonicalText } from '../../../shared/canonical-json.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { checkMetadata, checkMetadataSet } from '../../../shared/trust/tuf-rules.ts';
import type { Document } from '../../support/tuf-repository.ts';
import { attacks, type Loose, REPOSITORY, type Row, SOUND_TARGET } from './tuf-rules-attacks.ts';

const badPaths = [
  '',
  '/a',
  'a/',
  'a//b',
  '../a',
  'a/../b',
  '.hidden',
  'a/.b',
  'A',
  'a b',
  'a?b',
  'a%2fb',
  'a\\b',
  'ä',
  'a#b',
  'a..b',
];

function codeOf(role: string, bytes: Uint8Array): string {
  return rejectionOf(() => checkMetadata(role, bytes));
}

function rejectionOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof RejectedError) return error.code;
    throw error;
  }
  return 'accepted';
}

function changed(role: string, change: Row['change']): Buffer {
  const document = JSON.parse(REPOSITORY.newest(role).toString()) as Document & Loose;
  change(document, document.signed as never);
  return Buffer.from(canonicalText(document));
}

describe('shared/trust/tuf-rules', () => {
  it('accepts sound metadata of every role', () => {
    for (const role of ['root', 'timestamp', 'snapshot', 'targets', 'release-app']) {
      expect(codeOf(role, REPOSITORY.newest(role)), role).to.equal('accepted');
    }
  });

  for (const [sentence, { role = 'targets', change, code }] of Object.entries(attacks)) {
    it(`refuses ${sentence}`, () => expect(codeOf(role, changed(role, change))).to.equal(code));
  }
  it('has a row for each rule', () => expect(Object.keys(attacks)).to.have.length(64));

  for (const path of badPaths) {
    it(`refuses the target path "${path}"`, () => {
      const bytes = changed('targets', (_, signed) => Object.assign(signed.targets, { [path]: SOUND_TARGET }));
      expect(codeOf('targets', bytes)).to.equal('target-path-invalid');
    });
  }
  it('tries every bad path', () => expect(badPaths).to.have.length(16));

  it('refuses a member that is named twice, of which readers take different ones', () => {
    const text = REPOSITORY.newest('targets').toString().replace('"version":2', '"version":1,"version":2');
    expect(codeOf('targets', Buffer.from(text))).to.equal('metadata-malformed');
  });

  it('refuses what is too large before parsing it', () => {
    expect(codeOf('targets', Buffer.alloc(LIMITS.trustMetadataBytes + 1, '{'))).to.equal('metadata-too-large');
  });

  it('refuses bytes that are no JSON', () => {
    for (const text of ['', '{', '[]', 'null', '"x"'])
      expect(codeOf('root', Buffer.from(text))).to.equal('metadata-malformed');
  });

  it('checks a set file by file, and demands a root in it', () => {
    const set = (...roles: string[]) => new Map(roles.map((role) => [`${role}.json`, REPOSITORY.newest(role)]));
    const verdict = (files: Map<string, Buffer>) => rejectionOf(() => checkMetadataSet(files));
    expect(verdict(set('root', 'timestamp', 'snapshot', 'targets', 'release-app'))).to.equal('accepted');
    expect(verdict(set('timestamp'))).to.equal('trusted-root-missing');
    expect(verdict(set('root').set('snapshot.json', REPOSITORY.newest('timestamp')))).to.equal(
      'metadata-type-mismatch',
    );
    expect(verdict(set('root').set('../x.json', REPOSITORY.newest('targets')))).to.equal('role-name-invalid');
    expect(verdict(set('root').set('targets', REPOSITORY.newest('targets')))).to.equal('role-name-invalid');
  });
});
