/** Writes docs/api.md out of the schemas that the local API uses. */

import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { openApi } from '../../controller/api/openapi.ts'
import { ownStatusSchema, siteSchema } from '../../node/api/schemas.ts'

const repository = resolve(import.meta.dirname, '../..')
export const apiPageFile = join(repository, 'docs/api.md')

interface Schema {
  type?: string | string[]
  enum?: unknown[]
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  anyOf?: Schema[]
  oneOf?: Schema[]
  const?: unknown
  title?: string
  required?: string[]
}
interface Operation {
  summary: string
  parameters?: { name: string; in: string; required: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content: Record<string, { schema: Schema }> }>
}

/** The page's text. */
export function apiPage(): string {
  const paths = openApi().paths as Record<string, Record<string, Operation>>
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const rows = all.map(
    ({ path, method, operation }) => `| \`${method} ${path}\` | ${optionsText(operation)} | ${operation.summary} |`,
  )
  const answers = all.flatMap(({ path, method, operation }) => {
    const schema = operation.responses[200]?.content['application/json']?.schema
    return schema?.properties === undefined ? [] : [`### ${method} ${path}`, '', ...keys(schema), '']
  })
  const events = paths['/v1/events']?.get?.responses[200]?.content['text/event-stream']?.schema.anyOf ?? []
  const kinds = events.map(each => `| \`${each.title}\` | ${eventTexts[each.title ?? ''] ?? ''} | ${inline(each)} |`)
  return [
    intro,
    '## Routes\n',
    '| route | options | answer |\n| --- | --- | --- |',
    ...rows,
    '',
    errors,
    '## The project\n',
    projectIntro,
    '| edit | with | what |\n| --- | --- | --- |',
    ...editRows(paths),
    '',
    '## Orders and tasks\n',
    orderIntro,
    '## Events\n',
    eventIntro,
    '| event | when | data |\n| --- | --- | --- |',
    ...kinds,
    '',
    '## Answers\n',
    'Keys that can be missing have a question mark.\n',
    ...answers,
    '## The API of a device\n',
    deviceIntro,
    ...deviceAnswers(),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

const intro = `# The local API

Each running controller (\`thymesh serve\`, \`thymesh deploy\`) answers HTTP on the Unix socket \`local.sock\` in its state: \`~/.local/share/thymesh/FLEET/state\`.
FLEET is the first 16 digits of the fleet's ID. Only its owner can open the socket. The \`thymesh\` commands use it, and so can any program:

\`\`\`sh
curl -s --unix-socket "$SOCKET" http://localhost/v1/status
curl -s --unix-socket "$SOCKET" 'http://localhost/v1/devices?limit=100'
curl -s --unix-socket "$SOCKET" http://localhost/v1/openapi.json
\`\`\`

\`thymesh serve --api PORT\` answers the same reads on 127.0.0.1, for programs that can't open a Unix socket. They need the token in \`api.token\`, beside the
socket, which changes at each start:

\`\`\`sh
curl -s -H "Authorization: Bearer $TOKEN" "$ADDRESS/v1/status"
\`\`\`

This page is made by \`node scripts/src/api-page.ts\` from the schemas that the API itself uses. \`thymesh api schema\` prints them as OpenAPI.
`

const deviceIntro = `The daemon of a device (\`thymesh node\`) answers programs of its own machine, on \`/run/thymesh/api.sock\`. A daemon whose state is not \`/var/lib/thymesh\`,
or whose root is not \`/\`, has the socket in its state. Root and the daemon's own user can open it, and members of the group \`thymesh\` if the machine has one.
Only these two routes exist, without options; nothing can be changed there:

\`\`\`sh
curl -s --unix-socket "$DEVICE" http://localhost/v1/status
curl -s --unix-socket "$DEVICE" http://localhost/v1/site
\`\`\`

\`status\` is about the device, \`site\` about all devices of its site, by their newest reports, which the device keeps also where no other peer is in reach. \`thymesh status\` asks
both where there is no project. Errors are as above (400, 404, 405, 431). A daemon takes 16 connections. While a device fetches, its state is as new as its last report: some seconds.
`

function deviceAnswers(): string[] {
  const routes = { status: ownStatusSchema, site: siteSchema }
  return Object.entries(routes).flatMap(([name, schema]) => {
    const json = z.toJSONSchema(schema, { target: 'openapi-3.0' }) as Schema
    return [`### GET /v1/${name} of a device`, '', ...keys(json), '']
  })
}

const errors = `Every question takes \`news\` as well: the seconds to wait for a first peer, where none is connected. The header \`Thymesh-Alone\` says whether none is.
Lists take \`limit\` (at most 1000) and \`after\`, the \`next\` of the page before.

An error is \`{"error": {"code", "message", "hint"}}\`, as \`--json\` prints it; [troubleshooting](troubleshooting.md) lists the codes. Unknown options and keys
are refused (400), as are wrong methods (405) and other types (415). On loopback, a request with another \`Host\` (421), of another web page (403), or without the token (401) is
refused. A controller takes 64 connections and 16 streams of events.
`

const eventIntro = `\`GET /v1/events\` is a stream of [server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html). Read the state once, then follow:

\`\`\`sh
curl -sN --max-time 1 --unix-socket "$SOCKET" http://localhost/v1/events || test $? = 28
\`\`\`

Answers name the last event that they contain in the header \`Thymesh-Last-Event\`. A listener that sends this ID, or that of its last event, as \`Last-Event-ID\`
(or the option \`after\`) gets everything since. The last 10,000 events are kept; if some are missing, the first event is \`reset\`, and the state has to be read again. A listener that reads too
slowly is cut off, and continues in the same way.
`

const projectIntro = `The routes below \`/v1/project\` are about the folder of the project that the controller was started in. Each entry has the SHA-256 of its file and
the problems in it; \`values\` say for each setting where it comes from and what it overrides. Edits are shown first, then made: \`preview\` answers what would change and what
would become wrong, \`edit\` wants the \`before\` hashes of that preview in \`seen\`. It writes all of it or nothing, and refuses what others have changed meanwhile (409).

\`\`\`sh
curl -s --unix-socket "$SOCKET" http://localhost/v1/project/configs/hello
curl -s --unix-socket "$SOCKET" -H 'Content-Type: application/json' -d '{"edits": [{"do": "set", "in": "configs", "name": "hello", "path": ["displayName"], "value": "Hi"}]}' http://localhost/v1/project/preview
\`\`\`
`

const orderIntro = `Orders are POST with a JSON body (\`Content-Type: application/json\`, at most 1 MiB). The answer is 202 and a *task*, which says what the order came to. If the signing
keys are sealed and the controller doesn't know the passphrase, put \`passphrase\` into the body; it is used for this order only, and never kept.

\`\`\`sh
curl -s --unix-socket "$SOCKET" -H 'Content-Type: application/json' -d '{"members": []}' http://localhost/v1/renew
curl -s --unix-socket "$SOCKET" 'http://localhost/v1/tasks?limit=10'
\`\`\`

\`thymesh tasks\` shows them too. The last 500 tasks of 90 days are kept; a task whose process ended is \`interrupted\`. Eight run at a time, and those that sign take turns. On
loopback there are no orders (403).
`

const eventTexts: Record<string, string> = {
  device: 'a report or a certificate of a device came; its row',
  release: 'a release, root or revocation is in force; rows of all devices may differ',
  proposal: 'a proposal is new, has gained signatures, or is closed',
  peers: 'members came into reach or left it; the names of all that are connected',
  reset: 'events are missing here',
  task: 'a task began, changed or ended',
  project: 'files of the project were written over the API',
}

const editTexts: Record<string, string> = {
  set: 'sets what stands at a path: a setting, the tags, or a whole module',
  reset: 'takes it out, so that tags and defaults count',
  add: 'a new config, tag or device',
  remove: 'takes one away that nothing names',
  rename: 'gives one another name, also where others name it',
  write: 'the whole file as text',
  'set-in-file': 'sets a value of thymesh.json or rollout.json',
  'reset-in-file': 'takes it out',
  'add-module': 'a new module of the project',
  'write-module': 'the whole file of a module',
  'remove-module': 'takes away a module that nothing uses',
}

/** One row for each kind of edit. */
function editRows(paths: Record<string, Record<string, Operation>>): string[] {
  const body = paths['/v1/project/preview']?.post?.requestBody?.content['application/json']?.schema
  return (body?.properties?.edits?.items?.oneOf ?? []).map(({ properties = {}, required = [] }) => {
    const { do: kind, ...others } = properties
    const names = Object.keys(others).map(name => `\`${name}\`${required.includes(name) ? '' : '?'}`)
    return `| \`${kind?.const}\` | ${names.join(', ')} | ${editTexts[String(kind?.const)] ?? ''} |`
  })
}

function optionsText({ parameters = [], requestBody }: Operation): string {
  const names = parameters
    .filter(each => each.name !== 'news' && each.in !== 'header')
    .map(({ name, required, schema }) => `\`${name}\`${required ? '' : '?'}: ${inline(schema)}`)
  const body = requestBody?.content['application/json']?.schema
  return [...names, ...(body ? [inline(body)] : [])].join('<br>') || '–'
}

function keys(schema: Schema): string[] {
  const rows = Object.entries(schema.properties ?? {}).map(([name, each]) => {
    const optional = schema.required?.includes(name) ? '' : '?'
    return `- \`${name}\`${optional}: ${inline(each)}`
  })
  return rows.length === 0 ? ['- any JSON'] : rows
}

/** A schema in a few words. */
function inline(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map(each => `\`${each}\``).join(' or ')
  if (schema.oneOf !== undefined) return 'edits (see below)'
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(inline))].join(' or ')
  if (schema.type === 'array') return `list of ${inline(schema.items ?? {})}`
  if (schema.properties !== undefined) {
    const names = Object.keys(schema.properties).map(name => `\`${name}\`${schema.required?.includes(name) ? '' : '?'}`)
    return names.length === 0 ? 'nothing' : `{${names.join(', ')}}`
  }
  if (typeof schema.additionalProperties === 'object') return `by name: ${inline(schema.additionalProperties)}`
  return [schema.type ?? 'any JSON'].flat().join(' or ')
}

if (import.meta.main) await writeFile(apiPageFile, apiPage())
