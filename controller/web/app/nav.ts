/** All views of the page: their place in the address, their name and group, and their code, which is loaded when they are opened. */

import type { Component } from 'svelte'
import { words } from './base/language.svelte.ts'
import type { IconName } from './parts/Icon.svelte'

/** Is given what comes behind the first word of the address. */
export type ViewComponent = Component<{ rest: readonly string[] }>

export interface ViewEntry {
  /** The first word of its address. */
  readonly view: string
  readonly title: () => string
  /** Missing for views that are reached from others only. */
  readonly icon?: IconName
  readonly group: 'now' | 'fleet' | 'project' | 'people'
  /** A ViewComponent: some need nothing of the address. */
  readonly load: () => Promise<{ default: unknown }>
}

/** Nothing where the address names none. */
export function viewOf(name: string): ViewEntry | undefined {
  return views.find(({ view }) => view === name)
}

export const groups: readonly (readonly [ViewEntry['group'], () => string])[] = [
  ['now', words('', '')],
  ['fleet', words('Fleet', 'Flotte')],
  ['project', words('Project', 'Projekt')],
  ['people', words('People', 'Personen')],
]

export const views: readonly ViewEntry[] = [
  {
    view: '',
    title: words('Overview', 'Übersicht'),
    icon: 'overview',
    group: 'now',
    load: () => import('./views/Overview.svelte'),
  },
  {
    view: 'devices',
    title: words('Devices', 'Geräte'),
    icon: 'devices',
    group: 'fleet',
    load: () => import('./views/Devices.svelte'),
  },
  {
    view: 'sites',
    title: words('Sites', 'Standorte'),
    icon: 'sites',
    group: 'fleet',
    load: () => import('./views/Sites.svelte'),
  },
  {
    view: 'releases',
    title: words('Releases', 'Releases'),
    icon: 'releases',
    group: 'fleet',
    load: () => import('./views/Releases.svelte'),
  },
  {
    view: 'metrics',
    title: words('Metrics', 'Messwerte'),
    icon: 'metrics',
    group: 'fleet',
    load: () => import('./views/Metrics.svelte'),
  },
  {
    view: 'logs',
    title: words('Logs', 'Logs'),
    icon: 'logs',
    group: 'fleet',
    load: () => import('./views/Logs.svelte'),
  },
  {
    view: 'alerts',
    title: words('Alerts', 'Alarme'),
    icon: 'alerts',
    group: 'fleet',
    load: () => import('./views/Alerts.svelte'),
  },
  {
    view: 'risks',
    title: words('Risks', 'Risiken'),
    icon: 'warning',
    group: 'fleet',
    load: () => import('./views/Risks.svelte'),
  },
  {
    view: 'screens',
    title: words('Screens', 'Bildschirme'),
    icon: 'screens',
    group: 'fleet',
    load: () => import('./views/Screens.svelte'),
  },
  {
    view: 'proposals',
    title: words('Proposals', 'Vorschläge'),
    icon: 'proposals',
    group: 'fleet',
    load: () => import('./views/Proposals.svelte'),
  },
  {
    view: 'mesh',
    title: words('Mesh', 'Mesh'),
    icon: 'mesh',
    group: 'fleet',
    load: () => import('./views/Mesh.svelte'),
  },
  {
    view: 'tasks',
    title: words('Tasks', 'Aufgaben'),
    icon: 'tasks',
    group: 'fleet',
    load: () => import('./views/Tasks.svelte'),
  },
  {
    view: 'project',
    title: words('Project', 'Projekt'),
    icon: 'branch',
    group: 'project',
    load: () => import('./views/ProjectHome.svelte'),
  },
  {
    view: 'configs',
    title: words('Configs', 'Configs'),
    icon: 'configs',
    group: 'project',
    load: () => import('./views/Configs.svelte'),
  },
  {
    view: 'tags',
    title: words('Tags', 'Tags'),
    icon: 'tags',
    group: 'project',
    load: () => import('./views/Tags.svelte'),
  },
  {
    view: 'declared',
    title: words('Declared devices', 'Deklarierte Geräte'),
    icon: 'declared',
    group: 'project',
    load: () => import('./views/Declared.svelte'),
  },
  {
    view: 'modules',
    title: words('Modules', 'Module'),
    icon: 'modules',
    group: 'project',
    load: () => import('./views/Modules.svelte'),
  },
  {
    view: 'secrets',
    title: words('Secrets', 'Geheimnisse'),
    icon: 'secrets',
    group: 'project',
    load: () => import('./views/Secrets.svelte'),
  },
  {
    view: 'artifacts',
    title: words('Artifacts', 'Artefakte'),
    icon: 'files',
    group: 'project',
    load: () => import('./views/Artifacts.svelte'),
  },
  {
    view: 'inputs',
    title: words('Inputs', 'Inputs'),
    icon: 'inputs',
    group: 'project',
    load: () => import('./views/Inputs.svelte'),
  },
  {
    view: 'members',
    title: words('Members', 'Mitglieder'),
    icon: 'members',
    group: 'people',
    load: () => import('./views/Members.svelte'),
  },
  {
    view: 'tokens',
    title: words('Join tokens', 'Tokens'),
    icon: 'tokens',
    group: 'people',
    load: () => import('./views/Tokens.svelte'),
  },
  {
    view: 'access',
    title: words('Access', 'Zugänge'),
    icon: 'unlocked',
    group: 'people',
    load: () => import('./views/Access.svelte'),
  },
  {
    view: 'root',
    title: words('Operators', 'Operatoren'),
    icon: 'locked',
    group: 'people',
    load: () => import('./views/Root.svelte'),
  },
  {
    view: 'audit',
    title: words('Audit log', 'Protokoll'),
    icon: 'audit',
    group: 'people',
    load: () => import('./views/Audit.svelte'),
  },
  {
    view: 'settings',
    title: words('Settings', 'Einstellungen'),
    icon: 'settings',
    group: 'people',
    load: () => import('./views/Settings.svelte'),
  },
]
