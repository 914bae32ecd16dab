import { KEYTURN_YAML } from '../../support/build-repository.ts';
import { committed, committedThen, type Refusal, refusesEach } from '../../support/refused-builds.ts';

const yaml = (text: string) => committed((repository) => repository.write('keyturn.yaml', text));

const ROWS: readonly Refusal[] = [
  {
    name: 'a repository without keyturn.yaml',
    given: committedThen((r) => {
      r.git('rm', '--quiet', 'keyturn.yaml');
      r.commit();
    }),
    code: 'keyturn-yaml-missing',
    says: '--config',
  },
  {
    name: 'a keyturn.yaml outside beside the one inside',
    given: committedThen(() => undefined),
    request: { config: '/dev/null' },
    code: 'keyturn-yaml-twice',
    says: '--config',
  },
  {
    name: 'a keyturn.yaml with an unknown key',
    given: yaml(`${KEYTURN_YAML}artefact: {}\n`),
    code: 'keyturn-yaml-malformed',
    says: 'did you mean "artifact"?',
  },
  {
    name: 'a keyturn.yaml with a value of another type',
    given: yaml(`${KEYTURN_YAML}secrets: governance\n`),
    code: 'keyturn-yaml-malformed',
    says: 'secrets: got "governance", expected a list',
  },
  {
    name: 'a keyturn.yaml with an unknown kind of check',
    given: yaml(`${KEYTURN_YAML}gates: { G5: [ { shell: { argv: [x] } } ] }\n`),
    code: 'keyturn-yaml-malformed',
    says: 'expected one of absent',
  },
  {
    name: 'a keyturn.yaml with a shell string',
    given: yaml(`${KEYTURN_YAML}gates: { G5: [ { exec: { argv: make } } ] }\n`),
    code: 'keyturn-yaml-malformed',
    says: 'not a shell string: write [make]',
  },
  {
    name: 'a keyturn.yaml with a key that stands twice',
    given: yaml(`${KEYTURN_YAML}name: other\n`),
    code: 'keyturn-yaml-unreadable',
    says: 'unique',
  },
  {
    name: 'a keyturn.yaml that is an alias bomb',
    given: yaml(
      `a: &a [x]\nb: &b [${'*a,'.repeat(99)}*a]\nc: &c [${'*b,'.repeat(99)}*b]\nd: [${'*c,'.repeat(99)}*c]\n${KEYTURN_YAML}`,
    ),
    code: 'keyturn-yaml-unreadable',
    says: 'alias',
  },
  {
    name: 'a keyturn.yaml that is no YAML',
    given: yaml('{{{'),
    code: 'keyturn-yaml-unreadable',
    says: 'failed to read keyturn.yaml',
  },
  {
    name: 'a keyturn.yaml that is no text',
    given: committed((r) => r.write('keyturn.yaml', Buffer.from([0xff, 0xfe, 0xfd]))),
    code: 'keyturn-yaml-unreadable',
    says: 'not UTF-8',
  },
  {
    name: 'a version that no folder may have',
    given: committedThen(() => undefined),
    request: { version: 'V 1' },
    code: 'version-malformed',
    says: '--version',
  },
  {
    name: 'a tag in capitals, which it does not fold',
    given: committedThen((r) => r.tag('V0.6')),
    request: { ref: 'V0.6' },
    code: 'version-malformed',
    says: 'the name of the tag is "V0.6"',
  },
];

describe('release build, by a plan', function () {
  this.timeout(30_000);
  refusesEach(ROWS, 12);
});
