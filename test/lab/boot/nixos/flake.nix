{ outputs = _: import ./.; }
