import { expect } from 'chai';
import fc from 'fast-check';

import { RejectedError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { checkManifestPaths, checkPath, type PathEntry } from '../../../shared/release/path-rules.ts';

const file = (path: string): PathEntry => ({ kind: 'file', path });
const link = (path: string, target: string): PathEntry => ({ kind: 'symlink', path, target });

/** Story, code that refuses it, entries. */
const ATTACKS: readonly (readonly [string, string, readonly PathEntry[]])[] = [
  ['an absolute path reaches the whole host', 'path-absolute', [file('/etc/passwd')]],
  ['two slashes in front are absolute too', 'path-absolute', [file('//etc/passwd')]],
  ['the empty path is the folder itself', 'path-empty', [file('')]],
  ['".." climbs out of the tree', 'path-dot-segment', [file('../outside')]],
  ['".." in the middle climbs as well', 'path-dot-segment', [file('a/../../outside')]],
  ['".." at the end names a folder', 'path-dot-segment', [file('a/..')]],
  ['"." gives one file two names', 'path-dot-segment', [file('./a')]],
  ['"." in the middle gives one file two names', 'path-dot-segment', [file('a/./b')]],
  ['an empty segment gives one file two names', 'path-segment-empty', [file('a//b')]],
  ['a slash at the end says folder', 'path-segment-empty', [file('a/')]],
  ['NUL cuts the path in system calls', 'path-control-character', [file('a\0b')]],
  ['a line feed forges a line of a listing', 'path-control-character', [file('a\nb')]],
  ['an escape character commands the terminal', 'path-control-character', [file('a\x1b[2Jb')]],
  ['delete is a control character', 'path-control-character', [file('a\x7f')]],
  ['C1 controls are control characters', 'path-control-character', [file('a\u0085b')]],
  ['a line separator forges a line', 'path-control-character', [file('a\u2028b')]],
  ['a writing direction mark turns a name around', 'path-control-character', [file('cod\u202egpj.exe')]],
  ['an isolate turns a name around', 'path-control-character', [file('a\u2066b')]],
  ['half a surrogate pair has no bytes', 'path-not-unicode', [file('a\ud800')]],
  ['the other half has none either', 'path-not-unicode', [file('\udc00a')]],
  ['a decomposed name equals a composed one', 'path-not-nfc', [file('cafe\u0301')]],
  ['the Angstrom sign is no normal form', 'path-not-nfc', [file('\u212b')]],
  ['a path of 4,096 bytes fits no system call below a root', 'path-too-long', [file(`${'a/'.repeat(2047)}aa`)]],
  ['a name of 4,096 bytes fits no file system', 'path-too-long', [file('a'.repeat(4096))]],
  ['a name of 256 bytes fits no file system', 'path-segment-too-long', [file('a'.repeat(256))]],
  ['a name of 128 two-byte characters has 256 bytes', 'path-segment-too-long', [file('\u00e9'.repeat(128))]],
  ['a path with 65 segments is a burden', 'path-too-deep', [file(`${'a/'.repeat(64)}a`)]],
  ['the deploy manifest is written by the agent', 'path-reserved', [file('DEPLOY-MANIFEST.txt')]],
  ['the deploy manifest in another case', 'path-reserved', [file('deploy-manifest.TXT')]],
  [
    'a folder named as the deploy manifest would be left out of the digest',
    'path-reserved',
    [file('DEPLOY-MANIFEST.txt/a')],
  ],
  [".keyturn is the agent's own", 'path-reserved', [file('.keyturn/staging/x')]],
  ['.keyturn deep inside', 'path-reserved', [file('a/.Keyturn/b')]],
  ['.git hooks would run', 'path-reserved', [file('.git/hooks/post-checkout')]],
  ['.GIT is .git on some file systems', 'path-reserved', [file('a/.GIT/config')]],
  ['.git with an invisible character is .git on some file systems', 'path-reserved', [file('.g\u200cit/config')]],
  ['one path twice', 'path-repeated', [file('a'), file('a')]],
  ['a file and a link at one path', 'path-repeated', [file('a'), link('a', 'b')]],
  ['two cases of one name', 'path-collision', [file('README'), file('readme')]],
  ['two cases of one folder', 'path-collision', [file('Src/a'), file('src/b')]],
  ['two cases of a folder deep inside', 'path-collision', [file('x/Lib/a'), file('x/lib/b')]],
  ['a file and a folder that differ in case', 'path-collision', [file('Bin'), file('bin/a')]],
  ['sharp s and double s', 'path-collision', [file('stra\u00dfe'), file('strasse')]],
  ['capital sharp s and sharp s', 'path-collision', [file('\u1e9e'), file('\u00df')]],
  ['a ligature and its letters', 'path-collision', [file('\ufb01le'), file('file')]],
  ['full width letters', 'path-collision', [file('\uff41'), file('a')]],
  ['the Kelvin sign and k', 'path-collision', [file('k'), file('\u017fk'), file('sk')]],
  ['final sigma and sigma', 'path-collision', [file('\u03bf\u03c2'), file('\u03bf\u03c3')]],
  ['a soft hyphen is invisible', 'path-collision', [file('ab'), file('a\u00adb')]],
  ['a variation selector is invisible', 'path-collision', [file('a'), file('a\ufe0f')]],
  ['a file below a file', 'path-file-is-folder', [file('a'), file('a/b')]],
  ['a file below a file, told first', 'path-file-is-folder', [file('a/b'), file('a')]],
  ['a file below a link is written through it', 'path-below-symlink', [link('a', 'b'), file('a/c')]],
  ['a file below a link, told first', 'path-below-symlink', [file('a/c'), link('a', 'b')]],
  ['a link to an absolute path', 'symlink-target-absolute', [link('a', '/etc/passwd')]],
  ['a link to nothing', 'symlink-target-malformed', [link('a', '')]],
  ['a link with NUL in its target', 'symlink-target-malformed', [link('a', 'b\0c')]],
  ['a link whose target is no Unicode', 'symlink-target-malformed', [link('a', '\ud800')]],
  ['a link with a target of 4,096 bytes', 'symlink-target-malformed', [link('a', 'b'.repeat(4096))]],
  ['a link with a target of 65 segments', 'symlink-target-malformed', [link('a', `${'b/'.repeat(64)}b`)]],
  ['a link out of the tree', 'symlink-leaves-tree', [link('a', '../outside')]],
  ['a link that goes down and then out', 'symlink-leaves-tree', [file('d/e'), link('a', 'd/../../outside')]],
  ['a link that leaves and comes back', 'symlink-leaves-tree', [link('a', '../app-1/b')]],
  ['a dangling name does not hide a climb', 'symlink-leaves-tree', [link('a', 'nothing/../../outside')]],
  [
    'a link that leaves through another link',
    'symlink-leaves-tree',
    [file('x/y/z'), link('x/up', 'y'), link('a/b', '../x/up/../../..')],
  ],
  [
    'a link whose ".." counts from where another link ends',
    'symlink-leaves-tree',
    [file('t/f'), file('d/e/f'), link('d/e/s', '../../t'), link('l', 'd/e/s/../../x')],
  ],
  ['a link to itself', 'symlink-loop', [link('a', 'a')]],
  ['two links to each other', 'symlink-loop', [link('a', 'b'), link('b', 'a')]],
  [
    'three links in a ring through folders',
    'symlink-loop',
    [link('a/x', '../b/y'), link('b/y', '../c/z'), link('c/z', '../a/x')],
  ],
  ['a link to the folder that it is in', 'symlink-loop', [link('a/self', '.')]],
  ['a link to a folder above itself', 'symlink-loop', [file('a/f'), link('a/b/up', '..')]],
  ['a link to the tree itself', 'symlink-loop', [link('a/top', '..')]],
  ['a chain of nine links', 'symlink-chain-too-long', chain(9)],
];

describe('shared/release/path-rules', () => {
  describe('refuses', () => {
    for (const [story, code, entries] of ATTACKS) {
      it(`${story}: ${code}`, () => {
        expect(codeOf(() => checkManifestPaths(entries))).to.equal(code);
        expect(codeOf(() => checkManifestPaths(entries.toReversed()))).to.not.equal(undefined);
      });
    }

    it('at least sixty attacks', () => {
      expect(ATTACKS.length).to.be.at.least(60);
    });

    it('more implied folders than the limit', () => {
      const entries = Array.from({ length: 2000 }, (_, index) => file(`${index}/${'d/'.repeat(60)}f`));
      expect(codeOf(() => checkManifestPaths(entries))).to.equal('folder-count-too-large');
    });
  });

  const ACCEPTED: readonly (readonly [string, readonly PathEntry[]])[] = [
    [
      'names with spaces, dots and other scripts',
      [file('a b/c..d/.env.example'), file('\u00fcber/\u6587\u4ef6'), file('...')],
    ],
    ['the longest name and the deepest path', [file('n'.repeat(255)), file(`${'a/'.repeat(63)}a`)]],
    ["the deploy manifest's name below the top", [file('docs/DEPLOY-MANIFEST.txt')]],
    ['names that begin like reserved ones', [file('.gitignore'), file('.github/x'), file('.keyturnrc')]],
    ['equal names in different folders', [file('a/x'), file('b/x'), file('b/X1')]],
    [
      'links within the tree, upwards and through links',
      [
        file('lib/x.so.1.2'),
        link('lib/x.so.1', 'x.so.1.2'),
        link('lib/x.so', 'x.so.1'),
        link('bin/x', '../lib/./x.so'),
      ],
    ],
    ['a link to a folder beside it', [file('v1/f'), link('current', 'v1')]],
    ['a link that dangles inside the tree', [link('a', 'not/here')]],
    ['a chain of eight links', chain(8)],
  ];
  for (const [story, entries] of ACCEPTED) {
    it(`accepts ${story}`, () => {
      checkManifestPaths(entries);
      checkManifestPaths(entries.toReversed());
    });
  }

  it('checks 100,000 entries in a time that grows with their number', () => {
    const entries = Array.from({ length: LIMITS.manifestFileCount }, (_, index) =>
      file(`d${index % 1000}/e${index % 77}/f\u00fc${index}`),
    );
    const links = Array.from({ length: 20_000 }, (_, index) =>
      link(`l${index}`, `d${index % 1000}/../d1/../l${index === 0 ? 'x' : 0}`),
    );
    const startedAtMs = performance.now();
    checkManifestPaths([...entries, ...links]);
    expect(performance.now() - startedAtMs).to.be.below(8000);
  });

  it('never accepts a path that a plain join would resolve outside or to another spelling', () => {
    const segment = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', 'B', '.git', '\0', '\u202e', 'e\u0301'),
      fc.string({ maxLength: 6, unit: 'binary' }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        const path = segments.join('/');
        if (codeOf(() => checkPath(path)) !== undefined) return;
        accepted += 1;
        expect(
          new URL(encodeURI(path).replaceAll('#', '%23').replaceAll('?', '%3f'), 'file:///root/').pathname.startsWith(
            '/root/',
          ),
        ).to.equal(true);
        expect(path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')).to.equal(true);
        expect(Buffer.from(path).toString('utf8')).to.equal(path);
        expect(path.normalize('NFC')).to.equal(path);
      }),
      { numRuns: 2000 },
    );
    expect(accepted).to.be.at.least(50);
  });

  it('says the same of the same entries in any order', () => {
    const entry = fc.oneof(
      fc.record({ kind: fc.constant('file' as const), path: pathOf() }),
      fc.record({
        kind: fc.constant('symlink' as const),
        path: pathOf(),
        target: fc.constantFrom('a', '../a', '../../b', 'a/../..', '.', 'B/a'),
      }),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), fc.infiniteStream(fc.nat()), (entries, order) => {
        const shuffled = entries
          .map((item) => ({ item, at: order.next().value as number }))
          .sort((x, y) => x.at - y.at);
        const isRefused = (list: readonly PathEntry[]) => codeOf(() => checkManifestPaths(list)) !== undefined;
        expect(isRefused(shuffled.map(({ item }) => item))).to.equal(isRefused(entries));
      }),
      { numRuns: 2000 },
    );
  });
});

function pathOf() {
  return fc
    .array(fc.constantFrom('a', 'A', 'b', 'c'), { minLength: 1, maxLength: 3 })
    .map((segments) => segments.join('/'));
}

function chain(length: number): PathEntry[] {
  const links = Array.from({ length }, (_, index) => link(`l${index}`, index === length - 1 ? 'end' : `l${index + 1}`));
  return [...links, file('end')];
}

function codeOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof RejectedError) return error.code;
    throw error;
  }
}
