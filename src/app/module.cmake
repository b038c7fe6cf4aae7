target_compile_definitions(myelin_app PUBLIC MYELIN_VERSION="${PROJECT_VERSION}")
