/** Secrets of inputs as git takes them: Nix runs git for `git+http` and `git+https`, and tells it none of its own. */

/** A user and password for a host, which may have a port. */
export interface GitLogin {
  readonly host: string
  readonly user: string
  readonly password: string
}

/** Forges take a token with any user. */
const tokenUser = 'oauth2'

/** Those of a netrc file; entries without a host, user or password are none. */
export function netrcLogins(text: string): GitLogin[] {
  const words = text.split(/\s+/).filter(word => word !== '')
  const logins: GitLogin[] = []
  let entry: Partial<Record<string, string>> = {}
  const close = () => {
    const { machine: host, login: user, password } = entry
    if (host !== undefined && user !== undefined && password !== undefined) logins.push({ host, user, password })
    entry = {}
  }
  for (const [at, word] of words.entries()) {
    if (word === 'machine' || word === 'default') close()
    const isKey = word === 'machine' || word === 'login' || word === 'password'
    const isValue = ['machine', 'login', 'password', 'account'].includes(words[at - 1] ?? '')
    if (isKey && !isValue) entry[word] = words[at + 1]
  }
  close()
  return logins
}

/** Those of `HOST=TOKEN`, as Nix's access-tokens have them: a kind before the token, such as `PAT:`, is not for git. */
export function tokenLogins(tokens: readonly string[]): GitLogin[] {
  return tokens.flatMap(each => {
    const [, host, password] = /^([^=/]+)[^=]*=(?:PAT:|OAuth2:)?(.+)$/.exec(each) ?? []
    return host === undefined || password === undefined ? [] : [{ host, user: tokenUser, password }]
  })
}

/** A line of the table that the helper reads: of words without white space. */
export function loginsTable(logins: readonly GitLogin[]): string {
  return logins.map(({ host, user, password }) => `${host}\t${user}\t${password}\n`).join('')
}

/** A credential helper of git: looks a host up in the table, with its port first, then without. */
export function gitHelper(table: string): string {
  return `[ "$1" = get ] || exit 0
host=
while IFS='=' read -r key value; do [ "$key" != host ] || host=$value; done
for name in "$host" "\${host%:*}"; do
  while IFS='\t' read -r machine user password; do
    [ "$machine" = "$name" ] || continue
    printf 'username=%s\\npassword=%s\\n' "$user" "$password"
    exit 0
  done < ${quoted(table)}
done
`
}

/** Git asks no person: an empty program for passwords turns off all of them, windows of a desktop too. */
const nobody = { GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '' }

/** The environment in which git asks this helper, and for these hosts no other one: git has each of them store what has worked. */
export function gitEnvironment(
  helper: string | undefined,
  hosts: readonly string[] = [],
  own = process.env,
): NodeJS.ProcessEnv {
  if (helper === undefined) return nobody
  const command = `!sh ${quoted(helper)}`
  const entries = [['credential.helper', command]]
  for (const host of new Set(hosts)) {
    for (const scheme of ['https', 'http']) {
      const key = `credential.${scheme}://${host}.helper`
      // An empty one forgets those before it: the user's own.
      entries.push([key, ''], [key, command])
    }
  }
  const first = Number(own.GIT_CONFIG_COUNT ?? 0)
  return {
    ...nobody,
    GIT_CONFIG_COUNT: String(first + entries.length),
    ...Object.fromEntries(
      entries.flatMap(([key, value], at) => [
        [`GIT_CONFIG_KEY_${first + at}`, key],
        [`GIT_CONFIG_VALUE_${first + at}`, value],
      ]),
    ),
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
