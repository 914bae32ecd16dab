import { expect } from 'chai';
import { readYaml } from '../../../../shared/release/keyturn-yaml/document.ts';

const MINIMAL = 'name: cutter\ninstall: { root: /opt/dot }\n';

describe('the YAML of a keyturn.yaml', () => {
  it('is YAML 1.2: yes and no are words, 0o17 is a number', () => {
    expect(readYaml('a: yes\nb: no\nc: 0o17\nd: 017\n')).to.deep.equal({ a: 'yes', b: 'no', c: 15, d: 17 });
  });

  it('has no merge keys', () =>
    expect(readYaml('a: &a { x: 1 }\nb: { <<: *a }\n')).to.deep.equal({ a: { x: 1 }, b: { '<<': { x: 1 } } }));

  it('cannot reach a prototype', () => {
    const value = readYaml('__proto__: { polluted: 1 }\nconstructor: 2\n') as object;
    expect(Object.hasOwn(value, '__proto__')).to.equal(true);
    expect(({} as { polluted?: number }).polluted).to.equal(undefined);
  });

  const unreadable: readonly { name: string; text: string; code?: string }[] = [
    { name: 'nothing', text: '' },
    { name: 'text that is no YAML', text: 'name: [a, b\n' },
    { name: 'a key that stands twice', text: 'name: a\nname: b\ninstall: { root: /opt }' },
    { name: 'two documents', text: `${MINIMAL}---\n${MINIMAL}` },
    { name: 'a tag that would make an object', text: `${MINIMAL}secrets: !!js/function [a]` },
    { name: 'an alias bomb', text: aliasBomb() },
    { name: 'an alias to nothing', text: `${MINIMAL}secrets: *nothing` },
    { name: 'brackets nested ten thousand deep', text: `${MINIMAL}secrets: ${'['.repeat(10_000)}` },
    { name: 'half a megabyte', text: `${MINIMAL}# ${'x'.repeat(512 * 1024)}`, code: 'keyturn-yaml-too-large' },
  ];

  for (const { name, text, code = 'keyturn-yaml-unreadable' } of unreadable) {
    it(`refuses ${name} before it looks at its meaning`, () => expect(codeOf(text)).to.equal(code));
  }
});

function codeOf(text: string): string {
  try {
    readYaml(text);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** Nine levels of nine: 387 million words from a few hundred bytes. */
function aliasBomb(): string {
  const levels = Array.from(
    { length: 8 },
    (_, index) => `l${index + 1}: &l${index + 1} [${Array(9).fill(`*l${index}`).join(', ')}]`,
  );
  return `l0: &l0 [lol]\n${levels.join('\n')}\n${MINIMAL}`;
}
