/** The maintained rule set for secrets, loaded when the first scan asks for it. */
type LintConfig = Parameters<typeof import('@secretlint/core').lintSource>[0]['options']['config'];

export interface SecretPlace {
  readonly rule: string;
  /** From 1. */
  readonly line: number;
}

export interface SecretRules {
  /** Name and version of the rule set. */
  readonly version: string;
  search(path: string, text: string): Promise<SecretPlace[]>;
}

const PRESET = '@secretlint/secretlint-rule-preset-recommend';

/** By such a comment a file could switch the search off for itself; read as one letter off, it is only a comment. */
const DIRECTIVE = /secretlint-(?=disable|enable)/gi;

/** A login for a registry; `${NAME}` only names where it comes from. */
const NPMRC_LOGIN = /^[^#;\n]*:?_(?:auth|authToken|password)\s*=\s*(?!\s*["']?\$\{)\S/m;

export async function loadSecretRules(): Promise<SecretRules> {
  const [{ lintSource }, { secretLintProfiler }, { creator }, { default: description }] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/profiler'),
    import('@secretlint/secretlint-rule-preset-recommend'),
    import('@secretlint/secretlint-rule-preset-recommend/package.json', { with: { type: 'json' } }),
  ]);
  // It keeps marks of every rule on every file for ever, and nobody reads them.
  secretLintProfiler.setEnabled(false);
  const config: LintConfig = { rules: [{ id: PRESET, rule: creator }] };
  return {
    version: `${description.name} ${description.version}`,
    async search(path, text) {
      const source = {
        filePath: `/${path}`,
        content: text.replaceAll(DIRECTIVE, 'secretlint_'),
        contentType: 'text' as const,
      };
      const { messages } = await lintSource({ source, options: { config, maskSecrets: true } });
      const places = messages.map(({ ruleId, loc }) => ({ rule: ruleId, line: loc.start.line }));
      return [...places, ...npmrcLogins(path, text)];
    },
  };
}

function npmrcLogins(path: string, text: string): SecretPlace[] {
  if (!/(?:^|\/)\.npmrc$/i.test(path)) return [];
  const login = NPMRC_LOGIN.exec(text);
  return login ? [{ rule: 'npmrc-login', line: text.slice(0, login.index).split('\n').length }] : [];
}
