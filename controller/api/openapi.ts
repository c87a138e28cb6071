/** The API as an OpenAPI document, made from the schemas that its routes use. */

import { z } from 'zod'
import type { Order } from '../orders/order.ts'
import { orders, passphraseSchema } from './orders.ts'
import { noOptions, scrapeOptions, targetsOptions } from './prometheus-routes.ts'
import type { Question } from './question.ts'
import { questions } from './questions.ts'
import { commandSchemas } from './schemas/commands.ts'
import { errorSchema } from './schemas/error.ts'
import { eventSchemas } from './schemas/events.ts'
import { taskSchema, tasksSchema } from './schemas/task.ts'
import { endWebOptions, openedWebSchema, openWebOptions, webSessionsSchema } from './schemas/web.ts'
import { nothing, outputOptions, retryOptions, taskOptions, tasksOptions } from './task-routes.ts'
import type { Write } from './write.ts'
import { writes } from './writes.ts'

type Json = Record<string, unknown>

const failure = content('application/json', { $ref: '#/components/schemas/Error' })

/** OpenAPI 3.1, whose schemas are those of JSON Schema 2020-12. */
export function openApi(): Json {
  const paths = Object.fromEntries(
    Object.entries(questions).map(([name, question]) => [
      question.path,
      { get: read(name, question as unknown as Question) },
    ]),
  )
  const ordered = Object.fromEntries(
    Object.entries(orders).map(([name, order]) => [order.path, { post: write(name, order as unknown as Order) }]),
  )
  const written = Object.fromEntries(
    Object.entries(writes).map(([name, each]) => [each.path, { post: writeNow(name, each as unknown as Write) }]),
  )
  return {
    openapi: '3.1.0',
    info: {
      title: 'Thymesh local API',
      version: '1',
      description: 'HTTP on the Unix socket local.sock in the state of a running controller.',
    },
    paths: {
      ...paths,
      ...written,
      ...ordered,
      ...tasks(),
      ...web(),
      ...prometheus(),
      '/v1/events': { get: events() },
      ...fixed,
    },
    components: { schemas: { Error: schemaOf(errorSchema) } },
    // What `thymesh COMMAND --json` prints. OpenAPI leaves names with x- to everyone.
    'x-thymesh-commands': Object.fromEntries(
      Object.entries(commandSchemas).map(([command, schema]) => [command, schemaOf(schema)]),
    ),
  }
}

function read(name: string, { summary, options, answer, path }: Question): Json {
  const news = { type: 'number', minimum: 0, description: 'Seconds to wait for a first peer, where none is connected' }
  return {
    operationId: name,
    summary,
    parameters: [...parametersOf(options, path), { name: 'news', in: 'query', required: false, schema: news }],
    responses: { 200: content('application/json', schemaOf(answer)), default: failure },
  }
}

function write(name: string, { summary, options, result }: Order): Json {
  const body = options.extend({ passphrase: passphraseSchema })
  const task = schemaOf(taskSchema.extend({ result: result.nullable() }))
  return {
    operationId: name,
    summary,
    requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    responses: { 202: content('application/json', task), default: failure },
  }
}

function writeNow(name: string, { summary, options, answer }: Write): Json {
  const body = options.extend({ passphrase: passphraseSchema })
  return {
    operationId: name,
    summary,
    requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    responses: { 200: content('application/json', schemaOf(answer)), default: failure },
  }
}

function tasks(): Json {
  const get = (operationId: string, path: string, summary: string, options: z.ZodObject, answer: Json) => {
    const responses = { 200: answer, default: failure }
    return { [path]: { get: { operationId, summary, parameters: parametersOf(options, path), responses } } }
  }
  const post = (operationId: string, path: string, summary: string, body: z.ZodObject, status: number) => {
    const requestBody = { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } }
    const responses = { [status]: content('application/json', schemaOf(taskSchema)), default: failure }
    return {
      [path]: { post: { operationId, summary, parameters: parametersOf(taskOptions, path), requestBody, responses } },
    }
  }
  const one = '/v1/tasks/{id}'
  const json = (schema: z.ZodType) => content('application/json', schemaOf(schema))
  return {
    ...get('tasks', '/v1/tasks', 'Tasks, the newest first', tasksOptions, json(tasksSchema)),
    ...get('task', one, 'One task', taskOptions, json(taskSchema)),
    ...get(
      'taskOutput',
      `${one}/output`,
      'What a task said, from a byte on',
      outputOptions,
      content('text/plain', { type: 'string' }),
    ),
    ...get(
      'followTask',
      `${one}/follow`,
      'The same as server-sent events, with the record, until it ends',
      outputOptions,
      content('text/event-stream', {}),
    ),
    ...post('cancelTask', `${one}/cancel`, 'Cancel a task; answers when it has ended', nothing, 200),
    ...post('retryTask', `${one}/retry`, 'Give the order of an ended task again', retryOptions, 202),
  }
}

function web(): Json {
  const of = (operationId: string, summary: string, answer: z.ZodType, body?: z.ZodObject) => ({
    operationId,
    summary,
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    responses: { 200: content('application/json', schemaOf(answer)), default: failure },
  })
  return {
    '/v1/web/open': {
      post: of(
        'openWeb',
        'Serve the web page, and make a code that lets one browser in',
        openedWebSchema,
        openWebOptions,
      ),
    },
    '/v1/web/sessions': { get: of('webSessions', 'Browsers that are signed in to the web page', webSessionsSchema) },
    '/v1/web/end': { post: of('endWeb', 'Sign a browser out', z.object({ ended: z.string() }), endWebOptions) },
  }
}

function prometheus(): Json {
  const get = (operationId: string, path: string, summary: string, options: z.ZodObject, type: string) => ({
    [path]: {
      get: {
        ...{ operationId, summary, parameters: parametersOf(options, path) },
        responses: { 200: content(type, type === 'text/plain' ? { type: 'string' } : {}), default: failure },
      },
    },
  })
  return {
    ...get('fleetMetrics', '/v1/metrics', 'The fleet as metrics for Prometheus', noOptions, 'text/plain'),
    ...get('targets', '/v1/sd', 'The devices as targets for http_sd of Prometheus', targetsOptions, 'application/json'),
    ...get(
      'scrape',
      '/v1/scrape/{device}/{port}',
      "A page of an exporter on a device, or its daemon's own (port 0), through the mesh",
      scrapeOptions,
      'text/plain',
    ),
  }
}

const any = { type: 'object' }
const fixed = {
  '/v1/controller': {
    get: {
      operationId: 'controller',
      summary: 'Which process answers',
      responses: { 200: content('application/json', any), default: failure },
    },
  },
  '/v1/openapi.json': {
    get: {
      operationId: 'openapi',
      summary: 'This document',
      responses: { 200: content('application/json', any), default: failure },
    },
  },
}

function parametersOf(options: z.ZodObject, path: string): Json[] {
  const { properties = {}, required = [] } = schemaOf(options, 'input') as { properties?: Json; required?: string[] }
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1])
  return Object.entries(properties).map(([key, schema]) => ({
    name: key,
    in: inPath.includes(key) ? 'path' : 'query',
    required: inPath.includes(key) || required.includes(key),
    schema,
  }))
}

function events(): Json {
  const kinds = Object.entries(eventSchemas).map(([kind, schema]) => ({ title: kind, ...schemaOf(schema) }))
  return {
    operationId: 'events',
    summary: 'What changes, as server-sent events; the field event names the kind, data has its JSON',
    parameters: [
      { name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' } },
      { name: 'after', in: 'query', required: false, schema: { type: 'string' } },
    ],
    responses: { 200: content('text/event-stream', { anyOf: kinds }), default: failure },
  }
}

function content(type: string, schema: Json): Json {
  return { description: type === 'text/event-stream' ? 'A stream' : 'JSON', content: { [type]: { schema } } }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return json
}
