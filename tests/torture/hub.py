def hub_cases(work):
    return []
