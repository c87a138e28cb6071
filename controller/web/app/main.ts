/** The web page of a controller: mounts the application. */

import { mount } from 'svelte'
import App from './App.svelte'
import './base/tokens.css'
import './base/base.css'
import { router } from './base/router.svelte.ts'
import './base/theme.svelte.ts'
import { session } from './data/session.svelte.ts'
import { viewOf } from './nav.ts'

// What the first view needs is on its way while the frame is made. A view that doesn't come is told of where it is shown.
void session.start()
viewOf(router.place.view)
  ?.load()
  .catch(() => {})

const target = document.getElementById('app')
if (target !== null) mount(App, { target })
